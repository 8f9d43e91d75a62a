import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { readUsage, type Usage } from "../core/usage.ts";
import type { ModelDialect, ModelText } from "./stream.ts";

// `POST /chat/completions` of the OpenAI API, as its reference of November 2026 has it and as Ollama, vLLM,
// LM Studio, llama.cpp and LiteLLM speak it.

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

export function chatBody(
  model: string,
  messages: readonly ChatMessage[],
  parameters: JsonObject = {},
): JsonObject {
  return withoutNulls({
    model,
    stream_options: { include_usage: true },
    ...parameters,
    messages: messages as unknown as Json[],
    stream: true,
  });
}

/** A field that some server does not know is left out by setting it to null. */
export function withoutNulls(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

export const chatDialect: ModelDialect = {
  event(data, so) {
    takeError(data, so);
    takeUsage(data, so);
    const choice = firstOf(data.choices);
    if (!choice) return;
    take(choice.delta, so);
    takeEnd(choice.finish_reason, so);
  },
  whole(body, so) {
    takeError(body, so);
    takeUsage(body, so);
    const choice = firstOf(body.choices);
    if (!choice) {
      so.error ??= { code: "instance_error", message: "the answer has no choices." };
      return;
    }
    take(choice.message, so);
    takeEnd(choice.finish_reason ?? "stop", so);
  },
};

function firstOf(list: Json | undefined): JsonObject | undefined {
  return Array.isArray(list) && isObject(list[0]) ? list[0] : undefined;
}

function take(message: Json | undefined, so: ModelText): void {
  if (!isObject(message)) return;
  if (typeof message.content === "string") so.text += message.content;
  if (typeof message.refusal === "string" && message.refusal !== "")
    so.error = { code: "instance_error", message: `the model refuses: ${message.refusal}` };
}

function takeEnd(reason: Json | undefined, so: ModelText): void {
  if (typeof reason !== "string") return;
  so.ended = true;
  if (reason === "length") so.cutBy = "it ran out of the tokens that it may use";
  if (reason === "content_filter") so.cutBy = "a content filter stopped it";
}

function takeError({ error }: JsonObject, so: ModelText): void {
  if (error === undefined || error === null) return;
  const message = isObject(error) ? error.message : error;
  so.error = {
    code: "instance_error",
    message: typeof message === "string" ? message : "it says that it failed, and not why.",
  };
}

function takeUsage(body: JsonObject, so: ModelText): void {
  const usage = usageOf(body.usage);
  if (usage) so.usage = usage;
}

/** Of either API: one says prompt and completion, the other input and output; some tell the cost. */
export function usageOf(value: Json | undefined): Usage | undefined {
  if (!isObject(value)) return undefined;
  return readUsage({
    inputTokens: value.prompt_tokens ?? value.input_tokens,
    outputTokens: value.completion_tokens ?? value.output_tokens,
    totalTokens: value.total_tokens,
    costUsd: value.cost,
  });
}

import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { type ChatMessage, usageOf, withoutNulls } from "./chat-completions.ts";
import type { ModelDialect, ModelText } from "./stream.ts";

// `POST /responses` of the OpenAI API, as its reference of November 2026 has it.

export function responsesBody(
  model: string,
  messages: readonly ChatMessage[],
  parameters: JsonObject = {},
): JsonObject {
  const [first, ...rest] = messages;
  const system = first?.role === "system" ? first : undefined;
  return withoutNulls({
    model,
    // What was said is kept here and replayed: nothing need be kept there.
    store: false,
    ...parameters,
    ...(system && { instructions: system.content }),
    input: (system ? rest : messages) as unknown as Json[],
    stream: true,
  });
}

export const responsesDialect: ModelDialect = {
  event(data, so) {
    if (data.type === "response.output_text.delta" && typeof data.delta === "string") so.text += data.delta;
    else if (data.type === "error") fail(data, so);
    else if (typeof data.type === "string" && ENDS.has(data.type) && isObject(data.response))
      responsesDialect.whole(data.response, so);
  },
  whole(response, so) {
    const usage = usageOf(response.usage);
    if (usage) so.usage = usage;
    const contents = contentsOf(response.output);
    const text = contents.flatMap(({ type, text }) => (type === "output_text" ? String(text) : []));
    if (text.length > 0) so.text = text.join("");
    const refused = contents.find(({ type }) => type === "refusal");
    if (refused) so.error = { code: "instance_error", message: `the model refuses: ${refused.refusal}` };
    if (response.status === "failed") fail(response.error, so);
    if (response.status === "incomplete") so.cutBy = reasonOf(response.incomplete_details);
    so.ended = true;
  },
};

const ENDS = new Set(["response.completed", "response.failed", "response.incomplete"]);

function contentsOf(output: Json | undefined): JsonObject[] {
  if (!Array.isArray(output)) return [];
  return output.flatMap((item) =>
    isObject(item) && Array.isArray(item.content) ? item.content.filter(isObject) : [],
  );
}

function reasonOf(details: Json | undefined): string {
  const reason = isObject(details) ? details.reason : undefined;
  return reason === "max_output_tokens" ? "it ran out of the tokens that it may use" : `stopped by ${reason}`;
}

function fail(error: Json | undefined, so: ModelText): void {
  const message = isObject(error) ? error.message : undefined;
  so.error = {
    code: "instance_error",
    message: typeof message === "string" ? message : "it says that it failed, and not why.",
  };
}

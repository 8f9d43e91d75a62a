import { createParser } from "eventsource-parser";
import { OrchestratorError } from "../core/errors.ts";
import { isObject, type JsonObject, parseJson } from "../core/json.ts";
import type { Answer, Capabilities, WorkProgress } from "../core/ports.ts";
import type { Usage } from "../core/usage.ts";
import type { Reading } from "./channel.ts";
import { failureError, isSuccess, type OwnError, refusal } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { snippet } from "./snippet.ts";

// Answers of models, which come in pieces as server-sent events, or whole from who does not stream.

/** What can be done where an answer is one long request: it is stopped by closing it, and cannot be asked about. */
export const MODEL_CAPABILITIES: Capabilities = {
  idempotency: false,
  cancel: true,
  async: false,
  sessions: true,
  history: true,
  streaming: true,
};

/** What has come of a model's answer. */
export interface ModelText {
  text: string;
  /** It has said that this is all. */
  ended: boolean;
  usage?: Usage;
  /** Why it stopped before it was done, such as for want of room. */
  cutBy?: string;
  /** Why there is no answer, in its own words. */
  error?: OwnError;
}

/** What one API makes of its events, or of a whole answer. */
export interface ModelDialect {
  /** Takes one event's data in. */
  event(data: JsonObject, so: ModelText): void;
  whole(body: JsonObject, so: ModelText): void;
}

/** Follows one answer while it comes. */
export class ModelStream {
  readonly so: ModelText = { text: "", ended: false };
  readonly #parser;

  constructor(dialect: ModelDialect, onProgress: ((progress: WorkProgress) => void) | undefined) {
    this.#parser = createParser({
      onEvent: ({ data }) => {
        if (data === "[DONE]") {
          this.so.ended = true;
          return;
        }
        const event = parseJson(data);
        if (!isObject(event)) return;
        dialect.event(event, this.so);
        onProgress?.({ chars: this.so.text.length });
      },
    });
  }

  readonly onData = (text: string): void => this.#parser.feed(text);
}

export interface ModelReading {
  dialect: ModelDialect;
  so: ModelText;
  /** The instance's. */
  name: string;
  /** Epoch milliseconds. */
  now: number;
  /** What the body of a refusal says; the error of an OpenAI API unless given. */
  readError?: () => OwnError | undefined;
}

/** What a request to a model came to. */
export function readModelAnswer(
  exchange: Exchange,
  { dialect, so, name, now, readError = () => readModelError(exchange) }: ModelReading,
): Reading<Answer> {
  const { status, failure, body, headers } = exchange;
  if (!isSuccess(status)) return { value: refusal(exchange, name, now, readError()), quotes: true };
  const streamed = /^text\/event-stream\b/i.test(String(headers["content-type"]));
  if (!streamed && !failure) {
    const whole = parseJson(body);
    if (isObject(whole)) dialect.whole(whole, so);
    else
      so.error = { code: "instance_error", message: `no answer of a model: ${snippet(body) || "nothing"}` };
  }
  return { value: { ...answerOf(exchange, so, name), ...(so.usage && { usage: so.usage }) }, quotes: true };
}

function answerOf({ failure }: Exchange, so: ModelText, name: string): Answer {
  const facts = { instance: name, delivery: "accepted" } as const;
  if (so.error) {
    const error = new OrchestratorError(so.error.code, `${name}: ${so.error.message}`, {
      ...so.error,
      ...facts,
    });
    return { delivery: "accepted", reply: "failed", error };
  }
  if (so.ended) return { delivery: "accepted", reply: "done", result: so.text, ...cut(so, name) };
  if (failure?.kind === "cancelled")
    return { delivery: "accepted", reply: "cancelled", error: failure.error.with(facts) };
  const why = failure
    ? failureError(failure, name).with(facts)
    : new OrchestratorError("instance_down", `${name}: the answer broke off before its end.`, facts);
  const error = why.with({
    action: "Nobody can be asked for the rest: do the work anew only if doing it twice is harmless.",
    ...(so.text !== "" && { details: { partial: so.text.slice(0, MOST_PARTIAL) } }),
  });
  // It would come as large again.
  if (failure?.kind === "too_large") return { delivery: "accepted", reply: "failed", error };
  return { delivery: "accepted", reply: "none", error };
}

const MOST_PARTIAL = 20_000;

function cut({ cutBy }: ModelText, name: string): { warning?: string } {
  return cutBy === undefined ? {} : { warning: `${name}'s answer is not whole: ${cutBy}.` };
}

/** `{"error":{"message","type","code"?}}`, the error of an OpenAI API; some say `{"error":"…"}` or `detail`. */
export function readModelError({ status, body }: Exchange): OwnError | undefined {
  const json = parseJson(body);
  if (!isObject(json)) return undefined;
  const { error = json } = json;
  const message =
    typeof error === "string" ? error : isObject(error) ? (error.message ?? error.detail) : undefined;
  if (typeof message !== "string") return undefined;
  const code = ERROR_CODES[status];
  return {
    code: code ?? "instance_error",
    message: message.slice(0, 4_000),
    // Its own form of a refusal: nothing was begun.
    ...(status === 503 && { delivery: "not_sent" }),
  };
}

const ERROR_CODES: Record<number, OwnError["code"]> = {
  400: "bad_request",
  404: "bad_request",
  408: "timeout",
  413: "payload_too_large",
  422: "bad_request",
  429: "rate_limited",
  503: "overloaded",
  504: "timeout",
};

import { type ErrorCode, OrchestratorError } from "../core/errors.ts";
import { isObject, parseJson } from "../core/json.ts";
import type { Answer, NotSent } from "../core/ports.ts";
import type { Wire } from "./a2a-wire.ts";
import { failureError, isSuccess, type OwnError, refusal } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { retryAfterMs } from "./retry-after.ts";
import { snippet } from "./snippet.ts";

// What it means that the SDK read no answer: from what happened on the wire, and from the agent's own error.

/** A request that brought no answer, and what the SDK made of that. */
export interface Failed {
  wire: Wire;
  thrown: unknown;
}

/** An error in the protocol's own form. */
export interface A2aError {
  /** Such as `TASK_NOT_FOUND`, by which both bindings name the same error. */
  reason: string;
  message: string;
  /** Of JSON-RPC. */
  code?: number;
}

/** The agent's own error, if that is why there is no answer. */
export function ownErrorOf({ thrown }: Failed): A2aError | undefined {
  return [thrown, thrown instanceof Error ? thrown.cause : undefined].map(readError).find(Boolean);
}

function readError(thrown: unknown): A2aError | undefined {
  if (!(thrown instanceof Error) || !("reason" in thrown)) return undefined;
  // Without a transport, and for no reason that the protocol knows, it is the SDK's own.
  if (!("transport" in thrown) && thrown.reason === "INTERNAL_ERROR") return undefined;
  const code =
    "envelopeCode" in thrown && typeof thrown.envelopeCode === "number" ? thrown.envelopeCode : undefined;
  const message = thrown.message.slice(0, MOST_WORDS);
  return { reason: String(thrown.reason), message, ...(code !== undefined && { code }) };
}

const MOST_WORDS = 4_000;

export const METHOD_NOT_FOUND = -32_601;

/** These say by themselves that nothing was begun. */
const REFUSALS: Record<string, ErrorCode> = {
  TASK_NOT_FOUND: "instance_error",
  UNSUPPORTED_OPERATION: "instance_error",
  CONTENT_TYPE_NOT_SUPPORTED: "bad_request",
  EXTENSION_SUPPORT_REQUIRED: "instance_error",
  VERSION_NOT_SUPPORTED: "instance_error",
};

/** JSON-RPC's own: no JSON, no request, no such method. Bad parameters are none of them: agents say so of their own failures too. */
const NOT_UNDERSTOOD = new Set([-32_700, -32_600, METHOD_NOT_FOUND]);

/** Codes that a server may give a meaning of its own; A2A has taken the first few after -32000. */
function isServersOwn(code: number): boolean {
  return code === -32_000 || (code <= -32_010 && code >= -32_099);
}

export function isRateLimited({ code, message }: A2aError): boolean {
  return code !== undefined && isServersOwn(code) && /rate.?limit|too many requests/i.test(message);
}

function refusalCode(error: A2aError): ErrorCode | undefined {
  if (isRateLimited(error)) return "rate_limited";
  if (error.code !== undefined && NOT_UNDERSTOOD.has(error.code)) return "instance_error";
  return REFUSALS[error.reason];
}

const BEGAN_NOTHING = "The agent began nothing: read what it said, or name another instance.";

/** Where nothing says how long: such limits are counted by the minute. */
const RATE_LIMIT_MS = 10_000;

/**
 * The answer to a message that brought none. An error that comes with a 2xx is `not_sent` only if it says by itself
 * that nothing was begun; any other, and bad parameters with whatever status, is the end of work that may have begun.
 */
export function failedAnswer(failed: Failed, name: string, now: number): Exclude<Answer, { reply: "done" }> {
  const { exchange, accepted } = failed.wire;
  const own = ownErrorOf(failed);
  const code = own && refusalCode(own);
  if (!exchange && !accepted) return unmade(failed, name);
  if (own && !code && own.reason === "INVALID_PARAMS") return failure(own, name, "bad_request");
  if (exchange && !isSuccess(exchange.status)) return refusal(exchange, name, now, readOwn(exchange, own));
  if (own && code) return refused(own, code, { name, now, exchange });
  if (own) return failure(own, name);
  return lost(exchange, name);
}

function failure({ message }: A2aError, name: string, code: ErrorCode = "instance_error") {
  const error = new OrchestratorError(code, `${name}: ${message}`, { instance: name, delivery: "accepted" });
  return { delivery: "accepted", reply: "failed", error } as const;
}

function refused(
  own: A2aError,
  code: ErrorCode,
  { name, now, exchange }: { name: string; now: number; exchange: Exchange | undefined },
): NotSent {
  const facts = { instance: name, delivery: "not_sent" } as const;
  const error = new OrchestratorError(code, `${name} refuses it: ${own.message}`, facts);
  if (code !== "rate_limited")
    return {
      delivery: "not_sent",
      reply: "none",
      again: "never",
      error: error.with({ action: BEGAN_NOTHING }),
    };
  const wait = retryAfterMs(exchange?.headers["retry-after"], now) ?? RATE_LIMIT_MS;
  return { delivery: "not_sent", reply: "none", again: "later", error, retryAfterMs: wait };
}

/** The error of an answer that is no 2xx; of one that is no A2A, its words. */
function readOwn({ status, body }: Exchange, own: A2aError | undefined): OwnError | undefined {
  const code = own && refusalCode(own);
  if (own && code) return { code, message: own.message, action: BEGAN_NOTHING };
  const json = parseJson(body);
  const said = isObject(json) ? json.error : undefined;
  const message = isObject(said) ? said.message : said;
  if (typeof message !== "string") return undefined;
  return { code: status === 429 ? "rate_limited" : "instance_error", message: message.slice(0, MOST_WORDS) };
}

/** The SDK could not even make the request. */
function unmade({ thrown }: Failed, name: string): NotSent {
  const { message } = OrchestratorError.from(thrown);
  return {
    delivery: "not_sent",
    reply: "none",
    again: "never",
    error: new OrchestratorError("bad_request", `${name} was not asked: ${message}`, {
      instance: name,
      delivery: "not_sent",
    }),
  };
}

/** A 2xx whose answer did not come whole, or is none of A2A's. Without a task's id nobody can ask for it. */
function lost(exchange: Exchange | undefined, name: string) {
  const facts = { instance: name, delivery: "accepted" } as const;
  const failure = exchange?.failure;
  const error = failure
    ? failureError(failure, name).with(facts)
    : new OrchestratorError("instance_error", `${name} answered ${whatOf(exchange)}.`, facts);
  // It would come as large again.
  if (failure?.kind === "too_large") return { delivery: "accepted", reply: "failed", error } as const;
  const action = "Ask the agent what became of it; do the work anew only if doing it twice is harmless.";
  return { delivery: "accepted", reply: "none", error: error.with({ action }) } as const;
}

function whatOf(exchange: Exchange | undefined): string {
  if (!exchange) return "with events that are none of A2A's";
  const { status, body, headers } = exchange;
  const what = body ? `${headers["content-type"] ?? "no content type"}: ${snippet(body)}` : "an empty body";
  return `HTTP ${status} with what is none of A2A's answers (${what})`;
}

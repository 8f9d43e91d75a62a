import type { Delivery } from "../core/delivery.ts";
import { type ErrorCode, type ErrorFacts, OrchestratorError } from "../core/errors.ts";
import type { Unanswered } from "./connection.ts";

/** What must be known of a request to say what its failing means. */
export interface Purpose {
  /** Such as `POST /api/orchestrator/route`. */
  what: string;
  /** The server's URL. */
  server: string;
  /**
   * `read`: nothing is done by it, or nothing more by doing it twice. `keyed`: work under an idempotency
   * key, which is done once however often it is asked for. `once`: nothing tells a second from the first.
   */
  kind: "read" | "keyed" | "once";
  key?: string | undefined;
  /** How long the server was given to answer, in milliseconds. */
  answerWithinMs: number;
}

/** One try of a request that failed, and whether there may be another. */
export class Failure {
  readonly error: OrchestratorError;
  /** `if_harmless`: this try may have arrived. */
  readonly again: "never" | "always" | "if_harmless";
  /** What `Retry-After` asked for. */
  readonly retryAfterMs: number;

  constructor(error: OrchestratorError, again: Failure["again"], retryAfterMs = 0) {
    this.error = error;
    this.again = again;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Undici's own refusal of a request that cannot be written as HTTP. */
const INVALID = new Set(["UND_ERR_INVALID_ARG", "ERR_INVALID_CHAR"]);
const TOO_SLOW = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);

/** The failure of a request without an answer, or with only a part of one. */
export function unanswered({ why, started, cause }: Unanswered, purpose: Purpose, runId?: string): Failure {
  const { server, answerWithinMs } = purpose;
  const facts = started ? mayHaveArrived(purpose, cause, runId) : notSent(purpose, cause);
  const fail = (code: ErrorCode, message: string, again: Failure["again"] = "never") =>
    new Failure(new OrchestratorError(code, message, facts), again);
  const code = codeOf(cause);
  if (why === "given_up") return fail("cancelled", "The caller cancelled before the answer came.");
  if (why === "closed") return fail("cancelled", `The client of ${server} was closed.`);
  if (INVALID.has(code)) return fail("bad_request", `This cannot be written as HTTP: ${words(cause)}.`);
  if (!started) {
    const { error } = fail("instance_down", `The server at ${server} cannot be reached: ${words(cause)}.`);
    return new Failure(
      error.with({ action: "Start it with `orchestrator serve`, or correct its URL." }),
      "always",
    );
  }
  if (TOO_SLOW.has(code)) {
    const inTime = `within ${answerWithinMs / 1000} s`;
    return fail("timeout", `The server at ${server} did not answer ${inTime}.`, "if_harmless");
  }
  const what = `The connection to the server at ${server} broke before its answer was there`;
  return fail("instance_down", `${what}: ${words(cause)}.`, "if_harmless");
}

function notSent({ server, kind }: Purpose, cause: unknown): ErrorFacts {
  return { details: { server }, cause, ...(kind !== "read" && { delivery: "not_sent" }) };
}

/** The facts of a request that may have arrived, and whose answer nobody will hear. */
export function mayHaveArrived(purpose: Purpose, cause?: unknown, runId?: string): ErrorFacts {
  const { server, kind, key } = purpose;
  const delivery: Delivery = "unknown";
  const facts = { details: { server, ...(key !== undefined && { idempotencyKey: key }) }, cause, runId };
  if (kind === "read") return { ...facts, action: "See whether the server runs, then ask again." };
  if (kind === "once") {
    return { ...facts, delivery, action: "See what became of it before you ask again: list the sessions." };
  }
  return {
    ...facts,
    delivery,
    action: `Make the call again with the idempotencyKey ${JSON.stringify(key)}: it is answered with the same run, and nothing is done twice.`,
  };
}

/** The code of a system or undici error; empty where it has none. */
function codeOf(cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** What the system says, without a full stop; of several addresses that were tried, the first one's. */
function words(cause: unknown): string {
  const { message, errors } = (cause ?? {}) as { message?: string; errors?: unknown[] };
  const first = errors?.[0] instanceof Error ? errors[0].message : "";
  return (message || first || codeOf(cause) || "no reason given").replace(/\.$/, "");
}

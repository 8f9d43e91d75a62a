import { type ErrorBody, type ErrorCode, isErrorCode, OrchestratorError } from "../core/errors.ts";
import { isObject, type JsonObject, parseJson } from "../core/json.ts";
import type { Sent } from "./connection.ts";
import { Failure, mayHaveArrived, type Purpose } from "./failure.ts";

/** What the server answered a call with. */
export interface Answered<T> {
  /** The wait was over before the work was. */
  pending: boolean;
  body: T;
}

/** Status lines of what stands before a server, by what they say of it; the rest are `instance_error`. */
const FOREIGN_CODES: Record<number, ErrorCode> = {
  401: "unauthorized",
  403: "forbidden",
  413: "payload_too_large",
  429: "rate_limited",
  502: "instance_down",
  503: "instance_down",
  504: "timeout",
};
/** Those that another try may find gone. */
const PASSING = new Set([408, 429, 502, 503, 504]);

/** What a server that is well says of itself, not of a run or an instance: it passes by itself. */
const COME_AGAIN = new Set<ErrorCode>(["rate_limited", "draining", "overloaded"]);

/** The body of a 2xx answer of ours, or why it is none. */
export function readAnswer<T>(
  sent: Sent,
  text: string,
  purpose: Purpose,
  isOurs: (body: JsonObject) => boolean,
): Answered<T> | Failure {
  if (sent.statusCode > 299) return readRefusal(sent, text, purpose);
  const body = isJson(sent) ? parseJson(text) : undefined;
  if (isObject(body) && isOurs(body)) return { pending: sent.statusCode === 202, body: body as T };
  // JSON that was cut short by what closed the connection in good order may come whole the next time.
  return foreign(sent, purpose, isJson(sent) && body === undefined);
}

/** A refusal in the envelope of all our errors, or that of something else. */
export function readRefusal(sent: Sent, text: string, purpose: Purpose): Failure {
  const body = isJson(sent) ? parseJson(text) : undefined;
  const { error } = isObject(body) ? body : {};
  if (!isObject(error) || typeof error.code !== "string" || typeof error.message !== "string") {
    return foreign(sent, purpose);
  }
  const refused = refusal(error, error.message);
  const { code, runId, instance } = refused;
  const passes = COME_AGAIN.has(code) && runId === undefined && instance === undefined;
  return new Failure(refused, error.retryable === true && passes ? "always" : "never", retryAfter(sent));
}

function refusal(body: JsonObject, message: string): OrchestratorError {
  // A server that is newer than this client may have codes that it does not know.
  if (isErrorCode(body.code)) return OrchestratorError.fromBody(body as unknown as ErrorBody);
  const { code, ...facts } = body as unknown as ErrorBody;
  return OrchestratorError.fromBody({
    ...facts,
    message,
    code: "internal",
    details: { ...facts.details, code },
  });
}

/** What answers is no orchestrator: a proxy's page, another program. */
function foreign(sent: Sent, purpose: Purpose, passes = PASSING.has(sent.statusCode)): Failure {
  const { server, what } = purpose;
  const { statusCode: status } = sent;
  const type = contentType(sent) || "no content type";
  const error = new OrchestratorError(
    FOREIGN_CODES[status] ?? "instance_error",
    `What answers at ${server} is no orchestrator server: it answered ${what} with status ${status} and ${type}${isJson(sent) ? " of another shape" : ""}.`,
    mayHaveArrived(purpose, undefined, runIdOf(sent)),
  );
  const action = `Correct the server's URL, or see what stands before it. ${purpose.kind === "read" ? "" : error.action}`;
  return new Failure(
    error.with({ action: action.trim(), details: { ...error.details, status, contentType: type } }),
    passes ? "if_harmless" : "never",
    retryAfter(sent),
  );
}

export function tooLarge(sent: Sent, limit: number, { what, server, kind }: Purpose): Failure {
  const runId = runIdOf(sent);
  const error = new OrchestratorError(
    "payload_too_large",
    `The answer of ${server} to ${what} is larger than ${limit} bytes.`,
    {
      runId,
      action: runId
        ? `Read it in pages: runsGet with the runId ${runId} and an instance.`
        : "Ask for less, or give the client a larger bodyLimit.",
      details: { server, limit },
      ...(kind !== "read" && { delivery: "unknown" }),
    },
  );
  return new Failure(error, "never");
}

/** The run that an answer says it belongs to. */
export function runIdOf({ headers }: Sent): string | undefined {
  const runId = headers["orchestrator-run-id"];
  return typeof runId === "string" ? runId : undefined;
}

export function contentType({ headers }: Sent): string {
  return (
    String(headers["content-type"] ?? "")
      .split(";", 1)[0]
      ?.trim()
      .toLowerCase() ?? ""
  );
}

function isJson(sent: Sent): boolean {
  return contentType(sent) === "application/json";
}

/** Milliseconds; only in the form of seconds, in which our server says it. */
function retryAfter({ headers }: Sent): number | undefined {
  const value = headers["retry-after"];
  return typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}

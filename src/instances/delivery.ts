import type { Delivery } from "../core/delivery.ts";
import { type ErrorCode, OrchestratorError } from "../core/errors.ts";
import type { Answer } from "../core/ports.ts";
import { codeOf, type Exchange, type ExchangeFailure } from "./exchange.ts";
import { retryAfterMs } from "./retry-after.ts";
import { snippet } from "./snippet.ts";

// DESIGN.md, "Two facts, not one", as code. Pure, and the same for every protocol.

/** What an instance says of a refusal, in its protocol's own form of an error. */
export interface OwnError {
  code: ErrorCode;
  message: string;
  action?: string;
  details?: Record<string, unknown>;
  /** Overrides what the status says. */
  delivery?: Delivery;
}

/** These 4xx do not say whether the work was begun. */
const MAY_HAVE_RUN = new Set([408, 409, 499]);

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** What is known of the request having reached the instance. */
export function deliveryOf(exchange: Exchange, own?: OwnError): Delivery {
  const { started, status } = exchange;
  if (!started) return "not_sent";
  if (isSuccess(status)) return "accepted";
  if (status === 0) return "unknown";
  return own?.delivery ?? (isPlainRefusal(status) ? "not_sent" : "unknown");
}

/** 3xx and 4xx are refusals by themselves; 5xx only if the instance says so in its own form. */
function isPlainRefusal(status: number): boolean {
  return status >= 300 && status < 500 && !MAY_HAVE_RUN.has(status);
}

/** An answer that says why there is no other. */
export type Refusal = Exclude<Answer, { reply: "done" }> & { error: OrchestratorError };

/** The answer that an exchange without a 2xx status line is. `now` is epoch milliseconds. */
export function refusal(exchange: Exchange, instance: string, now: number, own?: OwnError): Refusal {
  const delivery = deliveryOf(exchange, own);
  const error = refusalError(exchange, instance, own).with({ instance, delivery });
  if (delivery === "accepted") return { delivery, reply: "pending", error };
  if (delivery === "unknown") return { delivery, reply: "none", error: cautioned(error) };
  const wait = retryAfterMs(exchange.headers["retry-after"], now);
  const unreachable = exchange.failure?.kind === "connect" || exchange.failure?.kind === "connect_timeout";
  return {
    delivery,
    reply: "none",
    error,
    again: mayTryAgain(exchange, error) ? "later" : "never",
    ...(wait !== undefined && { retryAfterMs: wait }),
    ...(unreachable && { unreachable }),
  };
}

function mayTryAgain({ status, failure }: Exchange, error: OrchestratorError): boolean {
  if (status === 0) return failure?.kind !== "withheld";
  if (status < 400 || status === 429 || status === 503) return true;
  return !isPlainRefusal(status) && error.retryable;
}

/** The table's advice to call again would be wrong where the work may be running. */
function cautioned(error: OrchestratorError): OrchestratorError {
  return error.with({
    action: "Ask the instance what became of it; send it again only if doing the work twice is harmless.",
  });
}

/** Why there is no response, in words: `connection refused`. */
export function failureReason(failure: ExchangeFailure): string {
  switch (failure.kind) {
    case "connect_timeout":
      return "no connection in time";
    case "connect":
      return connectReason(failure.error);
    case "broken":
      return `the connection broke after the request was sent (${codeOf(failure.error) || failure.error.message})`;
    case "not_http":
      return "answered something that is not HTTP";
    case "headers_timeout":
      return "no answer in time";
    case "body_timeout":
      return "the answer did not end in time";
    case "too_large":
      return "the answer is larger than allowed";
    default:
      return failure.error.message;
  }
}

const CONNECT_REASONS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset before the request was sent",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name cannot be looked up now",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "no connection in time",
};

function connectReason(error: Error): string {
  const code = codeOf(error);
  if (/^(EPROTO|ERR_SSL|ERR_TLS)|CERT|UNABLE_TO|SELF_SIGNED/.test(code)) return `TLS failed (${code})`;
  return CONNECT_REASONS[code] ?? `no connection: ${code || snippet(error.message)}`;
}

/** The error of a failure, whether or not a status line had come. */
export function failureError(failure: ExchangeFailure, instance: string): OrchestratorError {
  if (failure.kind === "cancelled" || failure.kind === "withheld") return failure.error;
  return new OrchestratorError(FAILURE_CODES[failure.kind], `${instance}: ${failureReason(failure)}.`, {
    cause: "error" in failure ? failure.error : undefined,
  });
}

const FAILURE_CODES = {
  connect: "instance_down",
  connect_timeout: "instance_down",
  broken: "instance_down",
  not_http: "instance_error",
  headers_timeout: "timeout",
  body_timeout: "timeout",
  too_large: "payload_too_large",
} as const satisfies Record<string, ErrorCode>;

const STATUS_CODES: Record<number, ErrorCode> = {
  400: "bad_request",
  401: "instance_unauthorized",
  403: "instance_unauthorized",
  408: "timeout",
  413: "payload_too_large",
  422: "bad_request",
  429: "rate_limited",
  503: "instance_down",
  504: "timeout",
};

function refusalError(exchange: Exchange, instance: string, own: OwnError | undefined): OrchestratorError {
  const { status, failure, headers, body, advice } = exchange;
  if (status === 0) {
    return failure
      ? failureError(failure, instance)
      : new OrchestratorError("internal", `${instance}: no response.`);
  }
  if (status < 400) {
    return new OrchestratorError(
      "instance_error",
      `${instance} answered HTTP ${status}, a redirect to ${snippet(String(headers.location ?? "nowhere"))}, which is never followed.`,
      { action: "Configure the address at which the instance itself answers." },
    );
  }
  if (own && status !== 401 && status !== 403) {
    return new OrchestratorError(own.code, `${instance} answered HTTP ${status}: ${own.message}`, own);
  }
  const words = own?.message ?? snippet(body);
  return new OrchestratorError(
    STATUS_CODES[status] ?? "instance_error",
    `${instance} answered HTTP ${status}${words ? `: ${words}` : " and no word why."}`,
    { action: advice },
  );
}

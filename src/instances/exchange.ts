import { StringDecoder } from "node:string_decoder";
import type { Dispatcher } from "undici";
import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

/** One HTTP request. Times are milliseconds, sizes bytes. */
export interface ExchangeRequest {
  method: "GET" | "POST" | "DELETE";
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body?: string;
  /** From the request's first byte to the status line. */
  headersTimeoutMs: number;
  /** A 403 to it tells of what the caller may do, and not of the key. */
  policy?: boolean;
  cancellation?: Cancellation | undefined;
  /** Hears that a 2xx answer begins. */
  onHead?: (status: number, headers: Exchange["headers"]) => void;
  /** Hears the body of a 2xx answer while it comes. */
  onData?: (text: string) => void;
  /** The body may take any time, as long as it is never silent for longer than this. */
  idleMs?: number;
}

/** What a response may cost. Times are milliseconds, sizes bytes. */
export interface ResponseLimits {
  bodyLimit: number;
  /** The whole body must come within this, however steadily it trickles. */
  bodyTimeMs: number;
}

/** Why an exchange has no whole response. */
export type ExchangeFailure =
  /** No connection was made, within the time for it or at all. */
  | { kind: "connect_timeout" | "connect"; error: Error }
  /** The connection was made and then broke. */
  | { kind: "broken"; error: Error }
  /** What came is not HTTP. */
  | { kind: "not_http"; error: Error }
  | { kind: "headers_timeout" | "body_timeout" | "too_large" }
  /** Given up here; `error` says why, in words for the caller. */
  | { kind: "cancelled" | "withheld"; error: OrchestratorError };

/** The facts of one request to one instance. It is a value: nothing here is ever thrown. */
export interface Exchange {
  /** Whether the request was given to an established connection: its first byte may have left. */
  started: boolean;
  /** 0 until a status line came. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** What came of the body, at most up to the limit. */
  body: string;
  /** What to do about a credential that was refused; set with a 401 or 403. */
  advice?: string;
  failure?: ExchangeFailure;
}

/** An exchange that ended before anything was given to a connection. */
export function unsent(failure: ExchangeFailure): Exchange {
  return { started: false, status: 0, headers: {}, body: "", failure };
}

/** Tells undici to drop the connection; what the caller hears is the exchange's failure. */
class Aborted extends Error {}

/**
 * Receives one response straight from undici's dispatch: streams and abort signals would each cost
 * more than all the rest of a call.
 *
 * undici calls `onRequestStart` in the same turn as, and just before, its first write to the socket.
 */
export class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #clock: Clock;
  readonly #limits: ResponseLimits;
  readonly #resolve: (exchange: Exchange) => void;
  readonly #onHead: ExchangeRequest["onHead"];
  readonly #onData: ExchangeRequest["onData"];
  readonly #bodyTimeMs: number;
  readonly #stopListening: (() => void) | undefined;
  readonly #exchange: Exchange = { started: false, status: 0, headers: {}, body: "" };
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #bodyEndsAt = 0;
  #decoder: StringDecoder | undefined;
  #settled = false;

  constructor(
    clock: Clock,
    limits: ResponseLimits,
    { cancellation, onHead, onData, idleMs }: ExchangeRequest,
    resolve: (exchange: Exchange) => void,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#onHead = onHead;
    this.#onData = onData;
    this.#bodyTimeMs = idleMs === undefined ? limits.bodyTimeMs : Number.POSITIVE_INFINITY;
    this.#stopListening = cancellation?.onCancel((error) => this.#stop({ kind: "cancelled", error }));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while connecting: nothing leaves. Started before: undici would send the work again.
    if (this.#settled || this.#exchange.started) {
      controller.abort(new Aborted("not written"));
      return;
    }
    this.#exchange.started = true;
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Exchange["headers"],
  ): void {
    if (status < 200) return;
    this.#exchange.status = status;
    this.#exchange.headers = headers;
    this.#bodyEndsAt = this.#clock.monotonic() + this.#bodyTimeMs;
    if (status < 300) {
      if (this.#onData) this.#decoder = new StringDecoder();
      this.#onHead?.(status, headers);
    }
    if (Number(headers["content-length"]) > this.#limits.bodyLimit) this.#stop({ kind: "too_large" });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#size += chunk.length;
    if (this.#size > this.#limits.bodyLimit) this.#stop({ kind: "too_large" });
    else if (this.#clock.monotonic() > this.#bodyEndsAt) this.#stop({ kind: "body_timeout" });
    else this.#take(chunk);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#decoder) this.#onData?.(this.#decoder.write(chunk));
  }

  onResponseEnd(): void {
    this.#settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#settle(failureOf(error, this.#exchange.started));
  }

  #stop(failure: ExchangeFailure): void {
    this.#settle(failure);
    this.#controller?.abort(new Aborted(failure.kind));
  }

  #settle(failure?: ExchangeFailure): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopListening?.();
    this.#exchange.body = text(this.#chunks);
    this.#chunks = [];
    if (failure) this.#exchange.failure = failure;
    this.#resolve(this.#exchange);
  }
}

function text(chunks: Buffer[]): string {
  const [first] = chunks;
  return chunks.length === 1 && first ? first.toString() : Buffer.concat(chunks).toString();
}

function failureOf(error: Error, started: boolean): ExchangeFailure {
  const code = codeOf(error);
  if (code === "UND_ERR_CONNECT_TIMEOUT") return { kind: "connect_timeout", error };
  if (!started)
    return WITHHELD.has(code) ? { kind: "withheld", error: withheldBy(error) } : { kind: "connect", error };
  if (code === "UND_ERR_HEADERS_TIMEOUT") return { kind: "headers_timeout" };
  if (code === "UND_ERR_BODY_TIMEOUT") return { kind: "body_timeout" };
  return { kind: error.name === "HTTPParserError" ? "not_http" : "broken", error };
}

/** undici's own refusals, which say nothing about the instance. */
const WITHHELD = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_DESTROYED", "UND_ERR_CLOSED"]);

function withheldBy(error: Error): OrchestratorError {
  return codeOf(error) === "UND_ERR_INVALID_ARG"
    ? new OrchestratorError("bad_request", `The request cannot be written as HTTP: ${error.message}.`, {
        cause: error,
      })
    : new OrchestratorError("cancelled", "The connections were closed before the request was sent.");
}

/** The code of a system or undici error; empty where it has none. */
export function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

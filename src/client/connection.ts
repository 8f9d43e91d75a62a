import type { Dispatcher, Pool } from "undici";
import { unlessAborted } from "./abort.ts";

/** One HTTP request, as it goes over the wire. */
export interface Sending {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root, with its query. */
  path: string;
  headers: Record<string, string>;
  /** JSON text. */
  body?: string | undefined;
  /** Milliseconds from the request to the status line. */
  answerWithinMs: number;
  /** Milliseconds that the body of the answer may be silent. */
  silenceMs: number;
  /** Its abort drops the request, or what is left of the answer. */
  signal?: AbortSignal | undefined;
  /** Called once, when the request is given to an established connection. */
  onStart?: (() => void) | undefined;
}

/** A status line, the headers and what follows them. */
export type Sent = Pick<Dispatcher.ResponseData, "statusCode" | "headers" | "body">;

/** Why a request has no answer, or only part of one. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
  /** Whether the request was given to an established connection: its first byte may have left. */
  readonly started: boolean;
  /** `given_up`: by the signal; `closed`: the connection was closed here. */
  readonly why: "broken" | "given_up" | "closed";

  constructor(why: Unanswered["why"], started: boolean, cause?: unknown) {
    super("no answer", { cause });
    this.why = why;
    this.started = started;
  }
}

/**
 * How long an idle connection is kept. A server that says how long it keeps one is believed, less a
 * margin: a request that meets a closing connection may have arrived or not.
 */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MARGIN_MS = 2_000;

/** HTTP to one server: one pool of connections. Redirects are never followed. */
export class Connection {
  readonly #origin: string;
  readonly #connectTimeoutMs: number;
  #pool: Promise<Pool> | undefined;
  readonly #closing = new AbortController();

  constructor(origin: string, connectTimeoutMs: number) {
    this.#origin = origin;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /**
   * Sends once; resolves when the status line is there.
   *
   * @throws Unanswered
   */
  async send(sending: Sending): Promise<Sent> {
    const { method, path, headers, body, answerWithinMs, silenceMs, signal, onStart } = sending;
    if (this.closing.aborted) throw new Unanswered("closed", false);
    let started = false;
    try {
      this.#pool ??= this.#open();
      const pool = noticing(await this.#pool, signal, () => {
        started = true;
        onStart?.();
      });
      const request = pool.request({
        ...{ method, path, headers, body: body ?? null, signal: signal ?? null },
        ...{ headersTimeout: answerWithinMs, bodyTimeout: silenceMs },
      });
      return await unlessAborted(request, signal);
    } catch (cause) {
      throw this.unanswered(cause, started, signal);
    }
  }

  /** What broke a request, or the reading of its answer. */
  unanswered(cause: unknown, started: boolean, signal: AbortSignal | undefined): Unanswered {
    const why = signal?.aborted ? "given_up" : this.closing.aborted ? "closed" : "broken";
    return new Unanswered(why, started, cause);
  }

  /** Aborted once it is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    await (await this.#pool)?.destroy();
  }

  /** undici takes a tenth of a second to load: it waits for the first request. */
  async #open(): Promise<Pool> {
    // Its default export alone survives the bundling of a CommonJS package.
    const { default: undici } = await import("undici");
    return new undici.Pool(this.#origin, {
      connect: { timeout: this.#connectTimeoutMs },
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
    });
  }
}

/**
 * The pool, which says when a request starts: undici calls `onRequestStart` in the same turn as, and
 * just before, its first write to the socket. What is given up by then is not written.
 */
function noticing(pool: Pool, signal: AbortSignal | undefined, onStart: () => void): Dispatcher {
  let started = false;
  return pool.compose((dispatch) => (options, handler) => {
    return dispatch(options, {
      onRequestStart(controller, context) {
        // A second start would be undici's own repeat: whether to repeat is decided elsewhere.
        if (started || signal?.aborted) {
          controller.abort(new Error("not written"));
          return;
        }
        started = true;
        onStart();
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
  });
}

import { OrchestratorError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Random } from "../core/ports.ts";
import { pause } from "./abort.ts";
import { type Answered, contentType, readAnswer, readRefusal, runIdOf, tooLarge } from "./answer.ts";
import { repeatDelay } from "./backoff.ts";
import { Connection, type Sending, type Sent, type Unanswered } from "./connection.ts";
import { Failure, type Purpose, unanswered } from "./failure.ts";

export interface ApiOptions {
  /** The server's URL; its API is at `api/orchestrator/` below it. */
  url: string;
  apiKey: string | undefined;
  /** Milliseconds that the server may take to answer, besides what it is asked to wait. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** Most bytes of an answer. */
  bodyLimit: number;
  /** The caller is a model. */
  confirmsAll: boolean;
  random: Random;
}

/** One request to the API. */
export interface ApiRequest {
  method: Sending["method"];
  /** Below `api/orchestrator/`, with its query. */
  path: string;
  body?: object | undefined;
  kind: Purpose["kind"];
  /** The idempotency key in the body, of what is `keyed`. */
  key?: string | undefined;
  /** A session's token, in place of the API key. */
  token?: string | undefined;
  headers?: Record<string, string>;
  /** Milliseconds that the server is asked to wait. */
  waitMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called when the request may have left. */
  onStart?: (() => void) | undefined;
}

/** A request with an answer of JSON. */
export interface ApiCall extends ApiRequest {
  /** Whether an answer is one of this call. */
  isOurs: (body: JsonObject) => boolean;
}

/** Requests to the Orchestrator API of one server, repeated where that is safe. */
export class Api {
  readonly #options: ApiOptions;
  readonly #base: URL;
  readonly #connection: Connection;

  /** @throws OrchestratorError `bad_request` for what is no URL of a server. */
  constructor(options: ApiOptions) {
    this.#options = options;
    this.#base = baseOf(options.url);
    this.#connection = new Connection(this.#base.origin, options.connectTimeoutMs);
  }

  /**
   * The answer to a request. It is repeated, a few times, only where that can do nothing twice: when no
   * byte of it can have left; when the server asks to come again, and says that nothing was done; and,
   * of what is `read` or `keyed`, also when its answer was lost. A `keyed` request is done once under
   * its key however often it arrives.
   *
   * @param next Called for each try: what it waits is what is left by then.
   * @throws OrchestratorError
   */
  async call<T>(next: () => ApiCall): Promise<Answered<T>> {
    let lost = false;
    for (let round = 0; ; round++) {
      const request = next();
      const result = await this.#try<T>(request);
      if (!(result instanceof Failure)) return result;
      const { error, again, retryAfterMs } = result;
      lost ||= again === "if_harmless";
      const mayRepeat = again === "always" || (again === "if_harmless" && request.kind !== "once");
      if (mayRepeat && (await this.pause(round, retryAfterMs, request.signal))) continue;
      throw lost ? withEarlierTry(error, request) : error;
    }
  }

  /** Waits before another try; false when there are to be no more. */
  async pause(round: number, retryAfterMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const delayMs = repeatDelay(round, this.#options.random, retryAfterMs);
    if (delayMs !== undefined) await pause(delayMs, signal, this.#connection.closing);
    return delayMs !== undefined;
  }

  /** Opens a stream of server-sent events, once; it may be silent for so many milliseconds. */
  async stream(request: ApiRequest, silenceMs: number): Promise<Sent | Failure> {
    const sent = await this.#send(request, undefined, silenceMs);
    if (sent instanceof Failure) return sent;
    if (sent.statusCode === 200 && contentType(sent) === "text/event-stream") return sent;
    const text = await this.#text(sent, request);
    return text instanceof Failure ? text : readRefusal(sent, text, this.#purpose(request));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #try<T>(call: ApiCall): Promise<Answered<T> | Failure> {
    const written = jsonOf(call);
    if (written instanceof Failure) return written;
    const sent = await this.#send(call, written, this.#options.timeoutMs);
    if (sent instanceof Failure) return sent;
    const text = await this.#text(sent, call);
    if (text instanceof Failure) return text;
    return readAnswer<T>(sent, text, this.#purpose(call), call.isOurs);
  }

  async #send(request: ApiRequest, body: string | undefined, silenceMs: number): Promise<Sent | Failure> {
    const { method, path, token, headers, signal, onStart } = request;
    const credential = token ?? this.#options.apiKey;
    const purpose = this.#purpose(request);
    try {
      return await this.#connection.send({
        ...{ method, body, silenceMs, signal, onStart },
        path: this.#base.pathname + path,
        headers: {
          accept: "application/json",
          ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(this.#options.confirmsAll && { "orchestrator-confirms": "all" }),
          ...headers,
        },
        answerWithinMs: purpose.answerWithinMs,
      });
    } catch (error) {
      return unanswered(error as Unanswered, purpose);
    }
  }

  /** What is left of an answer as text, at most up to the limit. */
  async #text(sent: Sent, request: ApiRequest): Promise<string | Failure> {
    const { bodyLimit } = this.#options;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of sent.body) {
        size += chunk.length;
        if (size > bodyLimit) return tooLarge(sent, bodyLimit, this.#purpose(request));
        chunks.push(chunk);
      }
    } catch (cause) {
      const error = this.#connection.unanswered(cause, true, request.signal);
      return unanswered(error, this.#purpose(request), runIdOf(sent));
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #purpose({ method, path, kind, key, waitMs = 0 }: ApiRequest): Purpose {
    return {
      what: `${method} ${this.#base.pathname}${path.split("?", 1)[0]}`,
      // As it was given, less what may be secret in it.
      server: this.#base.href.replace(/\/api\/orchestrator\/$/, ""),
      ...{ kind, key },
      answerWithinMs: waitMs + this.#options.timeoutMs,
    };
  }
}

/** An earlier try may have arrived, whatever the last one came to. */
function withEarlierTry(error: OrchestratorError, { kind, key }: ApiRequest): OrchestratorError {
  if (kind === "read" || error.runId !== undefined || error.delivery === "accepted") return error;
  return error.with({
    delivery: "unknown",
    details: { ...error.details, ...(key !== undefined && { idempotencyKey: key }) },
  });
}

/** A body as JSON text, or why it is none. */
function jsonOf({ body, kind }: ApiRequest): string | undefined | Failure {
  try {
    return body === undefined ? undefined : JSON.stringify(body);
  } catch (cause) {
    const error = new OrchestratorError("bad_request", `The call is not JSON: ${(cause as Error).message}.`, {
      cause,
      ...(kind !== "read" && { delivery: "not_sent" }),
    });
    return new Failure(error, "never");
  }
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (!base || !/^https?:$/.test(base.protocol) || base.username !== "" || base.password !== "") {
    throw new OrchestratorError("bad_request", "url: this is no URL of a server.", {
      action: "Give one such as http://127.0.0.1:7411; a key goes into apiKey.",
      delivery: "not_sent",
    });
  }
  base.search = "";
  base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return new URL("api/orchestrator/", base);
}

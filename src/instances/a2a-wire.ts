import { createParser } from "eventsource-parser";
import { Cancellation } from "../core/cancellation.ts";
import { parseJson } from "../core/json.ts";
import type { Channel } from "./channel.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";

/** How long one request may take, in milliseconds. */
export interface WireLimits {
  headersTimeoutMs: number;
  /** How long an answer that is streamed may be silent. */
  idleMs: number;
  cancellation?: Cancellation | undefined;
}

/** There is no answer; the exchange tells why. */
class Unanswered extends Error {}

type Asked = Pick<ExchangeRequest, "method" | "path" | "headers" | "body">;

/**
 * One request of the SDK's client over our channel. The SDK makes and reads the protocol's bodies; what really
 * happened on the connection is kept here, since its errors do not tell.
 */
export class Wire {
  /** The facts, once the request and its answer have ended. */
  exchange: Exchange | undefined;
  /** A 2xx status line has come. */
  accepted = false;
  /** An event came that is no JSON. */
  #garbled = false;
  readonly #channel: Channel;
  readonly #limits: WireLimits;
  readonly #over = new Cancellation();

  constructor(channel: Channel, limits: WireLimits) {
    this.#channel = channel;
    this.#limits = limits;
  }

  /** Whether all of the answer came, and in order. */
  get isWhole(): boolean {
    return this.exchange !== undefined && !this.exchange.failure && !this.#garbled;
  }

  /** Lets go of an answer of which nothing more is wanted. */
  close(): void {
    this.#over.cancel();
  }

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const { pathname, search } = new URL(String(input));
    const headers = [...new Headers(init.headers as Record<string, string>)];
    const request: Asked = {
      method: init.method === "POST" ? "POST" : "GET",
      path: pathname + search,
      headers: headers.flat(),
      ...(typeof init.body === "string" && { body: init.body }),
    };
    const streamed = headers.some(([name, value]) => name === "accept" && value === "text/event-stream");
    return streamed ? this.#stream(request) : responseOf(await this.#exchanged(request));
  };

  #stream(request: Asked): Promise<Response> {
    return new Promise((resolve, reject) => {
      let events: Events | undefined;
      const exchanged = this.#exchanged({
        ...request,
        idleMs: this.#limits.idleMs,
        onHead: (status, headers) => {
          if (!/^text\/event-stream\b/i.test(String(headers["content-type"]))) return;
          events = new Events(
            () => this.close(),
            () => {
              this.#garbled = true;
            },
          );
          resolve(new Response(events.body, initOf({ status, headers })));
        },
        onData: (text) => events?.take(text),
      });
      exchanged
        .then((exchange) => {
          events?.end();
          // What is no stream comes whole; of a stream, the promise is settled already.
          resolve(responseOf(exchange));
        })
        .catch(reject);
    });
  }

  async #exchanged(request: Omit<ExchangeRequest, "headersTimeoutMs" | "cancellation">): Promise<Exchange> {
    const { headersTimeoutMs, cancellation } = this.#limits;
    const forget = cancellation?.onCancel((error) => this.#over.cancel(error));
    const exchange = await this.#channel.request(
      {
        ...request,
        headersTimeoutMs,
        cancellation: this.#over,
        onHead: (status, headers) => {
          this.accepted = true;
          request.onHead?.(status, headers);
        },
      },
      // Quoted is only what the SDK reads out of it, without the key.
      (value) => ({ value, quotes: false }),
    );
    forget?.();
    this.exchange = exchange;
    return exchange;
  }
}

const NO_BODY = new Set([204, 205, 304]);

function responseOf(exchange: Exchange): Response {
  const { status, failure, body } = exchange;
  if (failure || status === 0) throw new Unanswered();
  return new Response(NO_BODY.has(status) ? null : body, initOf(exchange));
}

function initOf({ status, headers }: Pick<Exchange, "status" | "headers">): ResponseInit {
  const type = headers["content-type"];
  return { status, headers: type === undefined ? {} : { "content-type": String(type) } };
}

/**
 * A streamed body for the SDK: events whose data is JSON, each on one line. Others it would log whole. It ends alike
 * however it ends, so that the SDK reads all that came.
 */
class Events {
  readonly body: ReadableStream<Uint8Array>;
  readonly #parser;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #ended = false;

  constructor(onUnwanted: () => void, onGarbled: () => void) {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#ended = true;
        onUnwanted();
      },
    });
    this.#parser = createParser({
      onEvent: ({ event, data }) => {
        if (this.#ended) return;
        const json = parseJson(data);
        const kind = event === undefined ? "" : `event: ${event}\n`;
        if (json !== undefined) {
          this.#controller?.enqueue(Buffer.from(`${kind}data: ${JSON.stringify(json)}\n\n`));
          return;
        }
        onGarbled();
        this.end();
      },
    });
  }

  take(text: string): void {
    this.#parser.feed(text);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.close();
  }
}

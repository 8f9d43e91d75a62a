import type { Pool } from "undici";
import { OrchestratorError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import {
  type Exchange,
  ExchangeHandler,
  type ExchangeRequest,
  type ResponseLimits,
  unsent,
} from "./exchange.ts";

export interface HttpLimits extends ResponseLimits {
  /** Name look-up, TCP and TLS together. */
  connectTimeoutMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  bodyLimit: 8 * 1024 * 1024,
  bodyTimeMs: 60_000,
  connectTimeoutMs: 5_000,
};

/**
 * How long an idle connection is kept. A server that says how long it keeps one is believed, less a
 * margin: a request that meets a closing connection has an unknown delivery.
 */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MARGIN_MS = 2_000;

/** HTTP to instances: one pool of connections an origin. Redirects are never followed. */
export class Http {
  readonly #clock: Clock;
  readonly #limits: HttpLimits;
  readonly #pools = new Map<string, Pool>();
  #closed = false;

  constructor(clock: Clock, limits: HttpLimits = DEFAULT_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Sends one request once and never rejects: what became of it is the result. */
  exchange(origin: string, request: ExchangeRequest): Promise<Exchange> {
    const pool = this.#pools.get(origin);
    return pool ? this.#dispatch(pool, request) : this.#open(origin, request);
  }

  /** Closes every connection at once; an exchange under way ends as broken. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #dispatch(pool: Pool, request: ExchangeRequest): Promise<Exchange> {
    const { method, path, headers, body, headersTimeoutMs, idleMs, cancellation } = request;
    if (cancellation?.error) return Promise.resolve(unsent({ kind: "cancelled", error: cancellation.error }));
    return new Promise((resolve) => {
      pool.dispatch(
        {
          method,
          path,
          headers,
          body: body ?? null,
          headersTimeout: headersTimeoutMs,
          bodyTimeout: idleMs ?? this.#limits.bodyTimeMs,
        },
        new ExchangeHandler(this.#clock, this.#limits, request, resolve),
      );
    });
  }

  async #open(origin: string, request: ExchangeRequest): Promise<Exchange> {
    // Loaded on first use: a server that has not been asked for anything yet does not pay for it.
    // Its default export alone survives the bundling of a CommonJS package.
    const { Pool } = (await import("undici")).default;
    if (this.#closed) {
      return unsent({
        kind: "withheld",
        error: new OrchestratorError("cancelled", "Nothing was sent: the connections are closed."),
      });
    }
    let pool = this.#pools.get(origin);
    if (!pool) {
      pool = new Pool(origin, {
        connectTimeout: this.#limits.connectTimeoutMs,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      });
      this.#pools.set(origin, pool);
    }
    return this.#dispatch(pool, request);
  }
}

import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Clock } from "../core/ports.ts";
import type { Authorization } from "./authorization.ts";
import { type Exchange, type ExchangeRequest, unsent } from "./exchange.ts";
import type { Http } from "./http.ts";

export interface ChannelDependencies {
  clock: Clock;
  http: Http;
  authorization: Authorization;
}

/** What a protocol makes of an exchange. */
export interface Reading<T> {
  value: T;
  /** Whether it may quote the instance in an error. */
  quotes: boolean;
}

/** Authenticated HTTP to one instance, for the protocols to build on. */
export class Channel {
  readonly clock: Clock;
  readonly #http: Http;
  readonly #authorization: Authorization;
  readonly #instance: Instance;
  readonly #basePath: string;
  #secret: string | undefined;

  constructor({ clock, http, authorization }: ChannelDependencies, instance: Instance) {
    this.clock = clock;
    this.#http = http;
    this.#authorization = authorization;
    this.#instance = instance;
    this.#basePath = new URL(instance.url).pathname.replace(/\/+$/, "");
  }

  /** The same for paths from the origin on, where an instance says itself at which of them it answers. */
  fromOrigin(): Channel {
    const { clock } = this;
    const url = this.#instance.origin;
    return new Channel(
      { clock, http: this.#http, authorization: this.#authorization },
      { ...this.#instance, url },
    );
  }

  /** The instance's words without the key that was last sent, for what `read` does not see. */
  redacted(text: string): string {
    return this.#secret === undefined ? text : text.replaceAll(this.#secret, "[key]");
  }

  /** The instance's name. */
  get name(): string {
    return this.#instance.name;
  }

  /**
   * Sends one request with the instance's credential and has `read` say what became of it. A 401 is
   * tried once more if the credential's source has another value by then. Never rejects.
   */
  async request<T>(request: ExchangeRequest, read: (exchange: Exchange) => Reading<T>): Promise<T> {
    const { exchange, secret } = await this.#authorized(request);
    const { value, quotes } = read(exchange);
    if (!quotes || secret === undefined || !exchange.body.includes(secret)) return value;
    // An instance may quote the key that it refuses: our errors never do.
    return read({ ...exchange, body: exchange.body.replaceAll(secret, "[key]") }).value;
  }

  async #authorized(request: ExchangeRequest): Promise<{ exchange: Exchange; secret: string | undefined }> {
    for (let repeated = false; ; repeated = true) {
      let secret: string | undefined;
      try {
        const found = this.#authorization.secret();
        secret = found instanceof Promise ? await found : found;
        this.#secret = secret;
      } catch (error) {
        return { exchange: unsent({ kind: "withheld", error: OrchestratorError.from(error) }), secret };
      }
      const exchange = await this.#exchange(request, secret);
      const { status } = exchange;
      if (status !== 401 && (status !== 403 || request.policy)) return { exchange, secret };
      const changed = await this.#authorization.refused(status, secret);
      if (!changed || repeated)
        return { exchange: { ...exchange, advice: this.#authorization.advice }, secret };
    }
  }

  #exchange(request: ExchangeRequest, secret: string | undefined): Promise<Exchange> {
    const headers =
      secret === undefined ? request.headers : [...request.headers, "authorization", `Bearer ${secret}`];
    return this.#http.exchange(this.#instance.origin, {
      ...request,
      path: this.#basePath + request.path,
      headers,
    });
  }
}

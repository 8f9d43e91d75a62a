import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Clock, Logger } from "../core/ports.ts";
import { type CredentialSources, readSecret, sourceOf } from "./credentials.ts";

/** Gateways lock callers out who keep coming with a key that was refused. */
const LOCKED_MS = 10 * 60_000;

export interface AuthorizationDependencies extends CredentialSources {
  clock: Clock;
  logger: Logger;
}

interface Refused {
  secret: string;
  status: number;
  /** On the monotonic clock. */
  until: number;
}

/**
 * The credential of one name and origin. Once it has been refused, nothing authenticated goes there
 * until its value changes or ten minutes have passed.
 */
export class Authorization {
  readonly #deps: AuthorizationDependencies;
  #instance: Instance;
  #known: { secret: string | undefined } | undefined;
  #refused: Refused | undefined;

  constructor(deps: AuthorizationDependencies, instance: Instance) {
    this.#deps = deps;
    this.#instance = instance;
  }

  /** Takes over a changed configuration: its credential is read afresh, a refusal stays remembered. */
  configure(instance: Instance): void {
    this.#instance = instance;
    this.#known = undefined;
  }

  /**
   * The secret to send, `undefined` for none.
   *
   * @throws OrchestratorError `instance_unauthorized`, not sent, while it is refused or unreadable.
   */
  secret(): string | undefined | Promise<string | undefined> {
    // Known and not refused, as it nearly always is, it need not be awaited.
    return this.#known && !this.#refused ? this.#known.secret : this.#read();
  }

  async #read(): Promise<string | undefined> {
    if (this.#refused) await this.#throwIfStillRefused(this.#refused);
    this.#known ??= { secret: await readSecret(this.#instance, this.#deps) };
    return this.#known.secret;
  }

  /** Notes a 401 or 403. True if its source now has another value, so that one retry may succeed. */
  async refused(status: number, secret: string | undefined): Promise<boolean> {
    this.#known = undefined;
    if (status === 401 && (await this.#readAgain(secret)) !== secret) return true;
    if (secret !== undefined) this.#lock(secret, status);
    return false;
  }

  /** What to do about a refusal. */
  get advice(): string {
    return `Correct the key of ${this.#instance.name}: it comes from ${sourceOf(this.#instance)}.`;
  }

  #lock(secret: string, status: number): void {
    const { clock, logger } = this.#deps;
    const { name, origin } = this.#instance;
    this.#refused = { secret, status, until: clock.monotonic() + LOCKED_MS };
    logger.warn(
      { instance: name, origin, status, source: sourceOf(this.#instance) },
      "The instance refused its key: nothing goes there until the key changes or ten minutes have passed.",
    );
  }

  async #throwIfStillRefused({ secret, status, until }: Refused): Promise<void> {
    const left = until - this.#deps.clock.monotonic();
    if (left <= 0 || (await this.#readAgain(secret)) !== secret) {
      this.#refused = undefined;
      this.#known = undefined;
      return;
    }
    const { name } = this.#instance;
    throw new OrchestratorError(
      "instance_unauthorized",
      `Nothing was sent to ${name}: it refused the same key with HTTP ${status}; it is tried again in ${Math.ceil(left / 60_000)} minutes, or at once with another key.`,
      { instance: name, delivery: "not_sent", action: this.advice },
    );
  }

  /** The value at the source now; a source that has become unreadable counts as unchanged. */
  async #readAgain(before: string | undefined): Promise<string | undefined> {
    try {
      return await readSecret(this.#instance, this.#deps);
    } catch {
      return before;
    }
  }
}

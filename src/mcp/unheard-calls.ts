import { createHash, randomUUID } from "node:crypto";
import { ANSWERED_EARLIER } from "../core/answered-earlier.ts";
import type { RepetitionOptions } from "../core/calls.ts";
import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";

/** How long a call whose answer reached nobody waits for the identical call. */
const KEPT_MS = 10 * 60_000;
const MOST_KEPT = 1_000;

/** What does not make the work another one. */
const MANNERS = new Set(["wait", "timeout", "retries", "fresh"]);

/**
 * The idempotency keys of calls to a server whose answers reached nobody: the identical call is made under the same
 * key, so that the server answers it with the same run.
 */
export class UnheardCalls {
  readonly #clock: Clock;
  readonly #keys = new Map<string, { key: string; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes a call under a key: the caller's own, that of an identical call that nobody heard of, or a new one. */
  async call<C extends RepetitionOptions, A extends object>(
    operation: string,
    call: C,
    gone: Cancellation | undefined,
    make: (call: C & { idempotencyKey: string }) => Promise<A>,
  ): Promise<A> {
    if (call.idempotencyKey !== undefined) return make({ ...call, idempotencyKey: call.idempotencyKey });
    const work = fingerprint(operation, call);
    const earlier = call.fresh ? undefined : this.#take(work);
    const idempotencyKey = earlier ?? randomUUID();
    const leave = () => this.#leave(work, idempotencyKey);
    gone?.onCancel(leave);
    try {
      const answer = await make({ ...call, idempotencyKey });
      return earlier === undefined ? answer : withWarning(answer);
    } catch (error) {
      // An answer that was lost on its way here was heard by nobody as well: the client names the key then.
      if (!gone?.error && OrchestratorError.from(error).details?.idempotencyKey === idempotencyKey) leave();
      throw error;
    }
  }

  #take(work: string): string | undefined {
    const kept = this.#keys.get(work);
    this.#keys.delete(work);
    return kept && kept.until > this.#clock.monotonic() ? kept.key : undefined;
  }

  #leave(work: string, key: string): void {
    this.#keys.delete(work);
    this.#keys.set(work, { key, until: this.#clock.monotonic() + KEPT_MS });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MOST_KEPT && oldest !== undefined) this.#keys.delete(oldest);
  }
}

function fingerprint(operation: string, call: object): string {
  const facts = Object.entries(call).filter(([name, value]) => value !== undefined && !MANNERS.has(name));
  return createHash("sha256")
    .update(canonicalJson([operation, Object.fromEntries(facts) as Json]))
    .digest("base64url");
}

function withWarning<A extends object>(answer: A): A {
  const { warnings = [] } = answer as { warnings?: string[] };
  return { ...answer, warnings: [ANSWERED_EARLIER, ...warnings] };
}

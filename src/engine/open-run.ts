import type { Cancellation } from "../core/cancellation.ts";
import { strongerDelivery } from "../core/delivery.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import { type Attempt, type Outcome, withoutResult } from "../core/outcome.ts";
import type { Answer, Clock, Store } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import { resultKey, runKey } from "./run-keys.ts";

/** Replies that come close together are written together. */
const GATHER_MS = 100;

/**
 * A run that this process works on: the only writer of its record. Every write is a compare-and-set
 * on the version that was written last, so a second writer is found out and nothing more is sent.
 */
export class OpenRun {
  readonly run: Run;
  readonly cancellation: Cancellation;
  readonly warnings: string[] = [];
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #keepMs: number;
  #version: number;
  #lost: OrchestratorError | undefined;
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #gathering: (() => void) | undefined;
  readonly #outcomes: Map<string, Outcome>;
  readonly #attempts = new Map<Outcome, Attempt[]>();
  /** Outcomes that are done and whose results are not yet stored. */
  readonly #unkept: Outcome[] = [];
  readonly #listeners = new Set<(outcome: Outcome) => void>();

  /** @param parts `version` is that of the stored record; 0 for a run that is not yet written. */
  constructor(parts: {
    run: Run;
    version: number;
    store: Store;
    clock: Clock;
    /** How long the run is kept after its end. */
    keepMs: number;
    cancellation: Cancellation;
  }) {
    this.run = parts.run;
    this.#version = parts.version;
    this.#outcomes = new Map(parts.run.outcomes.map((outcome) => [outcome.instance, outcome]));
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#keepMs = parts.keepMs;
    this.cancellation = parts.cancellation;
    for (const attempt of parts.run.attempts) {
      const outcome = this.#outcomes.get(attempt.instance);
      if (outcome) this.attemptsAt(outcome).push(attempt);
    }
  }

  /** Another process has taken the run over: this one writes and sends nothing more for it. */
  get lost(): OrchestratorError | undefined {
    return this.#lost;
  }

  get remainingMs(): number {
    return this.run.deadlineAt - this.#clock.now();
  }

  /** Calls back for each outcome that has just ended. */
  onEnded(listener: (outcome: Outcome) => void): void {
    this.#listeners.add(listener);
  }

  /** The outcome at an instance, begun if this is the first attempt there. */
  outcomeAt(instance: Pick<Instance, "name" | "origin">): Outcome {
    const known = this.#outcomes.get(instance.name);
    if (known) return known;
    const { name, origin } = instance;
    const outcome: Outcome = { instance: name, origin, delivery: "not_sent", reply: "pending" };
    this.run.outcomes.push(outcome);
    this.#outcomes.set(instance.name, outcome);
    return outcome;
  }

  /**
   * Commits the intent of one attempt. Nothing may be sent before this resolves, and nothing at all
   * if it rejects.
   */
  async intend(outcome: Outcome, key: string, storeId: string | undefined): Promise<Attempt> {
    const startedAt = this.#clock.now();
    // Until the answer is in, what a crash would leave behind is an unknown delivery.
    const attempt: Attempt = {
      instance: outcome.instance,
      key,
      startedAt,
      delivery: "unknown",
      reply: "pending",
      ...(storeId !== undefined && { storeId }),
    };
    outcome.startedAt ??= startedAt;
    const before = outcome.delivery;
    outcome.delivery = strongerDelivery(before, "unknown");
    this.run.attempts.push(attempt);
    try {
      await this.#commit();
    } catch (error) {
      this.run.attempts.splice(this.run.attempts.indexOf(attempt), 1);
      outcome.delivery = before;
      throw OrchestratorError.from(error).with({ delivery: before });
    }
    this.attemptsAt(outcome).push(attempt);
    return attempt;
  }

  /** Resolves once there is a record of this run. */
  async stored(): Promise<void> {
    if (this.#version === 0) await this.#commit();
  }

  /** The attempts that have been made for an outcome. */
  attemptsAt(outcome: Outcome): Attempt[] {
    const known = this.#attempts.get(outcome);
    if (known) return known;
    const attempts: Attempt[] = [];
    this.#attempts.set(outcome, attempts);
    return attempts;
  }

  /** Notes what one exchange established. */
  note(attempt: Attempt, outcome: Outcome, answer: Answer): void {
    attempt.endedAt = this.#clock.now();
    attempt.reply = answer.reply;
    attempt.delivery = answer.delivery;
    if ("error" in answer && answer.error) attempt.error = answer.error.toBody();
    if (answer.delivery === "not_sent" && answer.keyBurnt) attempt.keyBurnt = true;
    if (answer.delivery === "accepted" && answer.taskId !== undefined) outcome.taskId = answer.taskId;
    // One attempt's delivery goes down only by the instance's own proof; another attempt may know more.
    outcome.delivery = "not_sent";
    for (const each of this.attemptsAt(outcome)) {
      outcome.delivery = strongerDelivery(outcome.delivery, each.delivery);
    }
    this.touch();
  }

  /** Ends one outcome with the last word on it. */
  end(outcome: Outcome, answer: Answer): void {
    outcome.endedAt = this.#clock.now();
    outcome.reply = answer.reply;
    if (answer.reply === "done") {
      outcome.result = answer.result;
      this.#unkept.push(outcome);
    } else if (answer.error) {
      outcome.error = answer.error.with({ instance: outcome.instance, delivery: outcome.delivery }).toBody();
    }
    for (const listener of this.#listeners) listener(outcome);
    this.touch();
  }

  /**
   * Ends a run whose work could not begin or go on; what has not ended yet gets this error.
   *
   * @throws OrchestratorError always: the given one, with what is known of the delivery.
   */
  async breakOff(error: OrchestratorError): Promise<never> {
    for (const outcome of this.run.outcomes) {
      if (outcome.endedAt !== undefined) continue;
      this.end(outcome, { delivery: "not_sent", reply: "none", again: "later", error });
    }
    await this.close();
    const delivery = this.run.outcomes.map((each) => each.delivery).reduce(strongerDelivery, "not_sent");
    throw error.with({ runId: this.run.runId, delivery });
  }

  /** Writes the run's end. What cannot be written now is told, not thrown: the work is done. */
  async close(): Promise<void> {
    this.run.endedAt = this.#clock.now();
    this.#gathering?.();
    await this.tell(this.#commit());
  }

  /** Has what changed written soon. */
  touch(): void {
    this.#gathering ??= this.#clock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      if (this.run.endedAt === undefined) void this.tell(this.#commit());
    });
  }

  /** Before the run says that they are done: who reads it must find their results. */
  async #keepResults(): Promise<void> {
    const expiresAt = this.run.deadlineAt + this.#keepMs;
    const writes = this.#unkept.splice(0).map((outcome) => {
      const key = resultKey(this.run.runId, this.run.outcomes.indexOf(outcome));
      const text = JSON.stringify(outcome.result);
      this.run.resultBytes = (this.run.resultBytes ?? 0) + text.length;
      return this.#store.put(key, text, { expiresAt });
    });
    await this.tell(Promise.all(writes));
  }

  /** Awaits a write after the work: what cannot be stored then is a warning beside the result. */
  async tell(write: Promise<unknown>): Promise<void> {
    try {
      await write;
    } catch (error) {
      const warning = `This run could not be stored: ${OrchestratorError.from(error).message}`;
      if (!this.warnings.includes(warning)) this.warnings.push(warning);
    }
  }

  /** Commits whose callers come in one tick, or during a write, share the next write. */
  #commit(): Promise<void> {
    this.#queued ??= (this.#writing ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        this.#queued = undefined;
        this.#writing = this.#write();
        return this.#writing;
      });
    return this.#queued;
  }

  async #write(): Promise<void> {
    const { run } = this;
    if (this.#lost) throw this.#lost;
    while (this.#unkept.length > 0) await this.#keepResults();
    const outcomes = run.outcomes.map(withoutResult);
    const version = await this.#store.put(runKey(run.runId), JSON.stringify({ ...run, outcomes }), {
      ifVersion: this.#version,
      // The deadline stands for the end of a run whose process dies.
      expiresAt: (run.endedAt ?? run.deadlineAt) + this.#keepMs,
    });
    if (version === undefined) {
      throw this.letGo(`Run ${run.runId} has been taken over by another process.`);
    }
    this.#version = version;
  }

  /** Leaves the work to another process: nothing more is written or sent for it here, or cancelled there. */
  letGo(message = `This process ended before run ${this.run.runId} did.`): OrchestratorError {
    const { runId } = this.run;
    this.#lost ??= new OrchestratorError("conflict", message, {
      runId,
      action: "Read it with runs_get: another process follows it to its end.",
    });
    this.cancellation.cancel(this.#lost);
    return this.#lost;
  }
}

import { whySpent } from "../core/budget.ts";
import type { Cancellation } from "../core/cancellation.ts";
import { strongerDelivery } from "../core/delivery.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Attempt, Outcome } from "../core/outcome.ts";
import type { Answer, Clock, Store, WorkProgress } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import { addUsage, type Usage } from "../core/usage.ts";
import { RunWriter } from "./run-writer.ts";

/** How far an answer is is told at most this often. */
const TELL_EVERY_MS = 1_000;
/** Replies that come close together are written together. */
const GATHER_MS = 100;

/** A run that this process works on: what is known of it, and what is to be sent and was. */
export class OpenRun {
  readonly run: Run;
  readonly cancellation: Cancellation;
  /** How long it is kept after its end. */
  readonly keepMs: number;
  readonly #clock: Clock;
  readonly #writer: RunWriter;
  #gathering: (() => void) | undefined;
  readonly #outcomes: Map<string, Outcome>;
  readonly #attempts = new Map<Outcome, Attempt[]>();
  readonly #listeners = new Set<(outcome: Outcome) => void>();
  readonly #watchers = new Set<(outcome: Outcome, progress: WorkProgress) => void>();

  /** @param parts `version` is that of the stored record; 0 for a run that is not yet written. */
  constructor(parts: {
    run: Run;
    version: number;
    store: Store;
    clock: Clock;
    keepMs: number;
    cancellation: Cancellation;
  }) {
    this.run = parts.run;
    this.#outcomes = new Map(parts.run.outcomes.map((outcome) => [outcome.instance, outcome]));
    this.#clock = parts.clock;
    this.keepMs = parts.keepMs;
    this.cancellation = parts.cancellation;
    this.#writer = new RunWriter({ ...parts, onLost: (error) => parts.cancellation.cancel(error) });
    for (const attempt of parts.run.attempts) {
      const outcome = this.#outcomes.get(attempt.instance);
      if (outcome) this.attemptsAt(outcome).push(attempt);
    }
  }

  get warnings(): string[] {
    return this.#writer.warnings;
  }

  /** Another process has taken the run over: this one writes and sends nothing more for it. */
  get lost(): OrchestratorError | undefined {
    return this.#writer.lost;
  }

  /** Why its budget lets nothing more be sent. */
  get spent(): OrchestratorError | undefined {
    const { budget, attempts, outcomes } = this.run;
    if (!budget) return undefined;
    const usage = outcomes.reduce<Usage | undefined>((sum, each) => addUsage(sum, each.usage), undefined);
    return whySpent(budget, { calls: attempts.length, usage });
  }

  get remainingMs(): number {
    return this.run.deadlineAt - this.#clock.now();
  }

  /** Calls back for each outcome that has just ended. */
  onEnded(listener: (outcome: Outcome) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls back when an outcome that is pending has come further, at most once a second; returns what stops it. */
  onWorking(listener: (outcome: Outcome, progress: WorkProgress) => void): () => void {
    const toldAt = new Map<Outcome, number>();
    const watcher = (outcome: Outcome, progress: WorkProgress) => {
      const now = this.#clock.monotonic();
      if (now - (toldAt.get(outcome) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
      toldAt.set(outcome, now);
      listener(outcome, progress);
    };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  working(outcome: Outcome, progress: WorkProgress): void {
    for (const watcher of this.#watchers) watcher(outcome, progress);
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
      await this.#writer.commit();
    } catch (error) {
      this.run.attempts.splice(this.run.attempts.indexOf(attempt), 1);
      outcome.delivery = before;
      throw OrchestratorError.from(error).with({ delivery: before });
    }
    this.attemptsAt(outcome).push(attempt);
    return attempt;
  }

  /**
   * What is known by now, for whoever is told of a run that goes on. It is stored first: should this
   * process die at once, the run must be found and say no less.
   */
  async known(): Promise<Run> {
    const { run } = this;
    const known = { ...run, outcomes: run.outcomes.map((outcome) => ({ ...outcome })) };
    await this.tell(this.stored());
    return known;
  }

  /** Resolves once there is a record of this run that says all that is known by now. */
  async stored(): Promise<void> {
    if (!this.#writer.isFresh) await this.#writer.commit();
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
    if ("remoteId" in answer && answer.remoteId !== undefined) outcome.remoteId = answer.remoteId;
    if ("usage" in answer && answer.usage) attempt.usage = answer.usage;
    if ("warning" in answer && answer.warning !== undefined) this.warnings.push(answer.warning);
    // One attempt's delivery goes down only by the instance's own proof; another attempt may know more.
    outcome.delivery = "not_sent";
    let usage: Usage | undefined;
    for (const each of this.attemptsAt(outcome)) {
      outcome.delivery = strongerDelivery(outcome.delivery, each.delivery);
      usage = addUsage(usage, each.usage);
    }
    if (usage) outcome.usage = usage;
    this.touch();
  }

  /** Ends one outcome with the last word on it. */
  end(outcome: Outcome, answer: Answer): void {
    outcome.endedAt = this.#clock.now();
    outcome.reply = answer.reply;
    if (answer.reply === "done") {
      outcome.result = answer.result;
      this.#writer.keep(outcome);
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
    await this.tell(this.#writer.commit());
  }

  /** Has what changed written soon. */
  touch(): void {
    this.#writer.changed();
    this.#gathering ??= this.#clock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      if (this.run.endedAt === undefined) void this.tell(this.#writer.commit());
    });
  }

  /** Awaits a write after the work: what cannot be stored then is a warning beside the result. */
  tell(write: Promise<unknown>): Promise<void> {
    return this.#writer.tell(write);
  }

  /** Results are no longer kept in memory once they are stored. */
  forgetResults(): void {
    this.#writer.forgetResults();
  }

  /** Leaves the work to another process: nothing more is written or sent for it here, or cancelled there. */
  letGo(message = `This process ended before run ${this.run.runId} did.`): OrchestratorError {
    return this.#writer.letGo(message);
  }
}

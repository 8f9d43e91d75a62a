import { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Clock, Logger } from "../core/ports.ts";
import type { Journal } from "./journal.ts";
import { failedEnd, interruptedEnd, tombstone } from "./task-end.ts";
import {
  type EndedTask,
  type MessageRef,
  type TaskEnd,
  type TaskRecord,
  taskIdOf,
  type WorkingTask,
} from "./task-record.ts";
import type { WorkerResult } from "./worker.ts";

/** What a task does once its key is recorded. */
export interface Work {
  message?: MessageRef;
  run(cancellation: Cancellation): Promise<WorkerResult>;
  /** Called in place of `run` when the key turns out to be known or cannot be recorded. */
  withdraw(): void;
}

/** A task that is in the journal. */
export interface Ticket {
  /** What is true of it now. */
  record(): TaskRecord;
  /** Resolves with its end, once that is in the journal; never rejects. */
  readonly ended: Promise<TaskRecord>;
  /** Signals its worker to stop; nothing when it has ended. */
  cancel(): void;
}

export interface TasksFacts {
  /** The instance's name. */
  name: string;
  journal: Journal;
  clock: Clock;
  logger: Logger;
  /** How many tasks may be unfinished at once: running or queued. */
  capacity: number;
  /** The result of a message whose end was committed to its session, but not yet to the journal. */
  answered(message: MessageRef, taskId: string): Promise<WorkerResult | undefined>;
}

interface LiveTask {
  cancellation: Cancellation;
  /** Rejects when the key was refused or could not be recorded. */
  ticket: Promise<Ticket>;
}

/** Executes each key once. This process alone writes the journal, so what is not live here runs nowhere. */
export class Tasks {
  readonly #facts: TasksFacts;
  readonly #live = new Map<string, LiveTask>();
  readonly #unfinished = new Set<LiveTask>();
  #draining = false;

  constructor(facts: TasksFacts) {
    this.#facts = facts;
  }

  get unfinished(): number {
    return this.#unfinished.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Records the key and starts its work, or finds the task that has the key already. `admit` is asked
   * for the work only when nobody works on the key; what it throws refuses the task, unless its key is known.
   *
   * @throws OrchestratorError `draining`, `overloaded`, `store_unavailable` or what `admit` threw: nothing is recorded.
   */
  async submit(key: string, admit: () => Promise<Work>): Promise<Ticket> {
    const taskId = taskIdOf(key);
    const live = this.#live.get(taskId);
    if (live) return live.ticket;
    const refusal = this.refusal();
    if (refusal) {
      const known = await this.find(taskId);
      if (known) return known;
      throw refusal;
    }
    const cancellation = new Cancellation();
    const task: LiveTask = { cancellation, ticket: this.#accept(key, cancellation, admit) };
    this.#live.set(taskId, task);
    this.#unfinished.add(task);
    return task.ticket;
  }

  /** Why new work is refused now. */
  refusal(): OrchestratorError | undefined {
    const { name, capacity } = this.#facts;
    if (this.#draining) return new OrchestratorError("draining", `Instance ${name} is shutting down.`);
    if (this.#unfinished.size < capacity) return undefined;
    return new OrchestratorError(
      "overloaded",
      `Instance ${name} has ${capacity} unfinished tasks, its limit.`,
    );
  }

  /** The task of this id, `undefined` when its key was never seen. */
  async find(taskId: string): Promise<Ticket | undefined> {
    for (;;) {
      const live = this.#live.get(taskId);
      const ticket = await live?.ticket.catch(() => undefined);
      if (ticket) return ticket;
      const found = await this.#facts.journal.read(taskId);
      if (!found) return undefined;
      if (found.record.state !== "working") return settled(found.record);
      if (this.#live.has(taskId)) continue;
      const ended = await this.#interrupted(found.record);
      if (await this.#facts.journal.end(ended, found.version)) return settled(ended);
    }
  }

  /** Cancels the task of this id; an unseen key leaves a tombstone, if the key itself is given. */
  async cancel(taskId: string, key?: string): Promise<Ticket | undefined> {
    const { journal, name, clock } = this.#facts;
    for (;;) {
      const ticket = await this.find(taskId);
      ticket?.cancel();
      if (ticket || key === undefined) return ticket;
      const buried = await journal.bury(tombstone(name, { taskId, key, endedAt: clock.now() }));
      if (buried) return settled(buried);
    }
  }

  /** Refuses new work; resolves when what was accepted has ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (let [task] = this.#unfinished; task !== undefined; [task] = this.#unfinished) {
      const ticket = await task.ticket.catch(() => undefined);
      await ticket?.ended;
    }
  }

  /** Signals every task to stop, with this as its end. */
  interrupt(error: OrchestratorError): void {
    for (const task of this.#unfinished) task.cancellation.cancel(error);
  }

  async #accept(key: string, cancellation: Cancellation, admit: () => Promise<Work>): Promise<Ticket> {
    let work: Work | undefined;
    let refused: unknown;
    try {
      work = await admit();
      const record = await this.#facts.journal.accept(key, work.message);
      if (record) return this.#start(record, work, cancellation);
    } catch (thrown) {
      refused = thrown;
    }
    const taskId = taskIdOf(key);
    this.#forget(taskId);
    work?.withdraw();
    const known = await this.find(taskId);
    if (known) return known;
    if (refused) throw refused;
    return this.submit(key, admit);
  }

  #start(record: WorkingTask, work: Work, cancellation: Cancellation): Ticket {
    let current: TaskRecord = record;
    const ended = this.#execute(record, work, cancellation).then((end) => {
      current = end;
      return end;
    });
    const error = () => new OrchestratorError("cancelled", "The task was cancelled before it was done.");
    return { record: () => current, ended, cancel: () => cancellation.cancel(error()) };
  }

  async #execute(record: WorkingTask, work: Work, cancellation: Cancellation): Promise<TaskRecord> {
    const { name, journal, clock, logger } = this.#facts;
    const { taskId, acceptedAt } = record;
    const end = await work.run(cancellation).then(
      (done): TaskEnd => ({ state: "done", ...done }),
      (thrown): TaskEnd => failedEnd(name, cancellation.error ?? thrown),
    );
    const ended: EndedTask = { ...record, endedAt: clock.now(), ...end };
    logger.debug({ taskId, state: ended.state, ms: ended.endedAt - acceptedAt }, "task ended");
    try {
      await journal.end(ended);
      this.#forget(taskId);
    } catch (thrown) {
      const error = OrchestratorError.from(thrown).toBody();
      // It stays live, and so can still be asked for until this process ends.
      logger.warn({ taskId, error }, "the end of a task could not be recorded");
      this.#unfinished.delete(this.#live.get(taskId) as LiveTask);
    }
    return ended;
  }

  /** The end of a task that an earlier process of this host had accepted. */
  async #interrupted(record: WorkingTask): Promise<EndedTask> {
    const { name, clock, answered } = this.#facts;
    const done = record.message && (await answered(record.message, record.taskId));
    const end: TaskEnd = done ? { state: "done", ...done } : interruptedEnd(name);
    return { ...record, endedAt: clock.now(), ...end };
  }

  #forget(taskId: string): void {
    const task = this.#live.get(taskId);
    if (task) this.#unfinished.delete(task);
    this.#live.delete(taskId);
  }
}

function settled(record: TaskRecord): Ticket {
  return { record: () => record, ended: Promise.resolve(record), cancel: () => {} };
}

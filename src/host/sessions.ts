import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { Line, type Place } from "./line.ts";
import type { SessionRecord, SessionRecords } from "./session-records.ts";
import { taskIdOf } from "./task-record.ts";
import type { Work } from "./tasks.ts";
import { resultOf, type WorkerResult } from "./worker.ts";
import type { WorkerSlots } from "./worker-slots.ts";

export interface SessionMessage {
  /** The session's id at this host. */
  id: string;
  key: string;
  hops: number;
  data: Json;
  seq: number;
  epoch: number;
}

/** A session with messages that have not ended. */
interface BusySession {
  line: Line;
  cancellations: Set<Cancellation>;
}

/** Gives the messages of one session to the worker one at a time, in the order of their sequence numbers. */
export class Sessions {
  readonly #name: string;
  readonly #records: SessionRecords;
  readonly #slots: WorkerSlots;
  readonly #busy = new Map<string, BusySession>();

  constructor({ name, records, slots }: { name: string; records: SessionRecords; slots: WorkerSlots }) {
    this.#name = name;
    this.#records = records;
    this.#slots = slots;
  }

  /**
   * The work of a message, with its place in the session.
   *
   * @throws OrchestratorError `session_not_found`; `conflict` for another owner's epoch or a sequence
   * number that is behind.
   */
  async admit(message: SessionMessage): Promise<Work> {
    const { id, seq } = message;
    const busy = this.#busyOf(id);
    // The place comes first: what holds it off has then been committed before the record is read.
    const place = busy.line.reserve(seq);
    if (!place) throw this.#conflict(`Message ${seq} of session ${id}, or one after it, is being answered.`);
    const withdraw = () => this.#leave(id, place);
    try {
      this.#check((await this.#read(id)).record, message);
    } catch (error) {
      withdraw();
      throw error;
    }
    return {
      message: { sessionId: id, seq },
      run: (cancellation) => this.#answer(busy, place, message, cancellation),
      withdraw,
    };
  }

  /** Closes the session and cancels its messages. @throws OrchestratorError `session_not_found` */
  async close(id: string): Promise<void> {
    if (!(await this.#records.remove(id))) throw this.#notFound(id);
    const error = new OrchestratorError(
      "cancelled",
      `Session ${id} was closed before the message was answered.`,
    );
    for (const cancellation of this.#busy.get(id)?.cancellations ?? []) cancellation.cancel(error);
  }

  async #answer(
    busy: BusySession,
    place: Place,
    message: SessionMessage,
    cancellation: Cancellation,
  ): Promise<WorkerResult> {
    const { id, key, hops, data, seq } = message;
    busy.cancellations.add(cancellation);
    try {
      await place.take(cancellation);
      const session = await this.#read(id);
      const history = await this.#records.history(session.record);
      const reply = await this.#slots.run({
        ...{ key, hops },
        payload: data,
        session: { id, state: session.record.state, history },
        cancellation,
      });
      await this.#records.advance(session, { seq, taskId: taskIdOf(key), data, reply });
      return resultOf(reply);
    } finally {
      busy.cancellations.delete(cancellation);
      this.#leave(id, place);
    }
  }

  #check(record: SessionRecord, { id, seq, epoch }: SessionMessage): void {
    if (epoch !== record.epoch) {
      throw this.#conflict(`Session ${id} belongs to epoch ${record.epoch}, the message to epoch ${epoch}.`);
    }
    if (seq <= record.seq) {
      throw this.#conflict(
        `Session ${id} has answered message ${record.seq}; message ${seq} is not after it.`,
      );
    }
  }

  async #read(id: string) {
    const session = await this.#records.read(id);
    if (!session) throw this.#notFound(id);
    return session;
  }

  #busyOf(id: string): BusySession {
    const known = this.#busy.get(id);
    if (known) return known;
    const busy: BusySession = { line: new Line(1), cancellations: new Set() };
    this.#busy.set(id, busy);
    return busy;
  }

  #leave(id: string, place: Place): void {
    place.leave();
    if (this.#busy.get(id)?.line.empty) this.#busy.delete(id);
  }

  #conflict(message: string): OrchestratorError {
    return new OrchestratorError("conflict", message, { instance: this.#name });
  }

  #notFound(id: string): OrchestratorError {
    return new OrchestratorError("session_not_found", `Instance ${this.#name} has no open session ${id}.`, {
      instance: this.#name,
      action: "Open a session here again; its earlier messages can be given as history.",
    });
  }
}

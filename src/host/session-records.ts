import type { Json } from "../core/json.ts";
import type { Clock, Ids, Store } from "../core/ports.ts";
import type { Usage } from "../core/usage.ts";
import type { MessageRef } from "./task-record.ts";
import type { WorkerReply, WorkerResult, WorkerTurn } from "./worker.ts";

/** An open session, as the journal keeps it. */
export interface SessionRecord {
  /** Random, and the only name by which it is reached here. */
  id: string;
  /** What its owner calls it. */
  sessionId: string;
  epoch: number;
  openedAt: number;
  /** Sequence number of the last message that was answered; 0 before the first. */
  seq: number;
  state?: Json;
}

export interface StoredSession {
  record: SessionRecord;
  version: number;
}

/** One or more turns under the sequence number of a message; what the session began with is under 0. */
interface TurnRecord {
  seq: number;
  taskId?: string;
  turns: WorkerTurn[];
  usage?: Usage;
}

/** The end of one message. */
export interface SessionAdvance {
  seq: number;
  taskId: string;
  data: Json;
  reply: WorkerReply;
}

const PAGE = 1000;
const sessionKey = (id: string) => `session/${id}`;
const turnPrefix = (id: string) => `turn/${id}/`;
const turnKey = (id: string, seq: number) => turnPrefix(id) + String(seq).padStart(16, "0");

/**
 * Sessions in the journal's store. A session's own record is what commits a message: a turn beyond
 * its `seq` is one that never came to be.
 */
export class SessionRecords {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Pick<Ids, "random">;

  constructor({ store, clock, ids }: { store: Store; clock: Clock; ids: Pick<Ids, "random"> }) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
  }

  async open({ sessionId, epoch, history }: { sessionId: string; epoch: number; history: WorkerTurn[] }) {
    const record: SessionRecord = {
      id: this.#ids.random(),
      sessionId,
      epoch,
      openedAt: this.#clock.now(),
      seq: 0,
    };
    if (history.length > 0) await this.#putTurn(record.id, { seq: 0, turns: history });
    await this.#store.put(sessionKey(record.id), JSON.stringify(record));
    return record;
  }

  async read(id: string): Promise<StoredSession | undefined> {
    const entry = await this.#store.get(sessionKey(id));
    return entry && { record: JSON.parse(entry.value) as SessionRecord, version: entry.version };
  }

  /** The session's turns, oldest first. */
  async history({ id, seq }: SessionRecord): Promise<WorkerTurn[]> {
    const records = (await this.#turns(id)).map((entry) => JSON.parse(entry.value) as TurnRecord);
    return records.filter((record) => record.seq <= seq).flatMap((record) => record.turns);
  }

  /** Keeps the end of a message, unless the session was closed meanwhile. */
  async advance(
    { record, version }: StoredSession,
    { seq, taskId, data, reply: { result, state, usage } }: SessionAdvance,
  ): Promise<void> {
    await this.#putTurn(record.id, { seq, taskId, turns: [{ data, result }], ...(usage && { usage }) });
    const next: SessionRecord = { ...record, seq, ...(state !== undefined && { state }) };
    const kept = await this.#store.put(sessionKey(record.id), JSON.stringify(next), { ifVersion: version });
    if (kept === undefined) await this.#store.delete(turnKey(record.id, seq));
  }

  /** What a message's end committed here; `undefined` when it did not come to that. */
  async answered({ sessionId: id, seq }: MessageRef, taskId: string): Promise<WorkerResult | undefined> {
    const session = await this.read(id);
    if (!session || session.record.seq < seq) return undefined;
    const entry = await this.#store.get(turnKey(id, seq));
    const turn = entry && (JSON.parse(entry.value) as TurnRecord);
    const [first] = turn?.turns ?? [];
    if (!turn || turn.taskId !== taskId || !first) return undefined;
    return { result: first.result, ...(turn.usage && { usage: turn.usage }) };
  }

  /** Whether it was open. */
  async remove(id: string): Promise<boolean> {
    const existed = await this.#store.delete(sessionKey(id));
    for (const turn of await this.#turns(id)) await this.#store.delete(turn.key);
    return existed;
  }

  async #putTurn(id: string, turn: TurnRecord): Promise<void> {
    await this.#store.put(turnKey(id, turn.seq), JSON.stringify(turn));
  }

  async #turns(id: string) {
    const turns = await this.#store.list(turnPrefix(id), { limit: PAGE });
    for (let last = turns; last.length === PAGE; ) {
      last = await this.#store.list(turnPrefix(id), {
        limit: PAGE,
        after: (last.at(-1) as { key: string }).key,
      });
      turns.push(...last);
    }
    return turns;
  }
}

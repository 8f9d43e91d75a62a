import { writeJson } from "../core/json-text.ts";
import type { Clock, Ids, Store } from "../core/ports.ts";
import { splitAtResult } from "../core/split-result.ts";
import {
  type EndedTask,
  type MessageRef,
  type TaskRecord,
  type Tombstone,
  taskIdOf,
  type WorkingTask,
} from "./task-record.ts";

const HOUR_MS = 3_600_000;
/** How long the end of a task can be asked for. */
const KEPT_MS = 24 * HOUR_MS;
/** Longer than the longest timeout there is (25 days), so no key is forgotten while it is worked on. */
const WORKING_KEPT_MS = 30 * 24 * HOUR_MS;

const STORE_ID = "meta/storeId";
const recordKey = (taskId: string) => `task/${taskId}`;

/**
 * The host's memory of the keys that it has seen, across restarts. It belongs to one host at a time.
 * Every method rejects with `store_unavailable` when the store does.
 */
export interface Journal {
  /** Identity of this memory: what it has not seen, this host has not executed. */
  readonly storeId: string;
  /** Rejects when the journal cannot be read now. */
  check(): Promise<void>;
  read(taskId: string): Promise<{ record: TaskRecord; version: number } | undefined>;
  /** Accepts a key; `undefined` when it was seen before, and then nothing is written. */
  accept(key: string, message: MessageRef | undefined): Promise<WorkingTask | undefined>;
  /** Refuses a key for good; `undefined` when it was seen before, and then nothing is written. */
  bury(tombstone: Tombstone): Promise<Tombstone | undefined>;
  /** Whether it was written: it is not when `ifVersion` does not hold. */
  end(record: EndedTask, ifVersion?: number): Promise<boolean>;
}

export async function openJournal(facts: {
  store: Store;
  clock: Clock;
  ids: Pick<Ids, "random">;
}): Promise<Journal> {
  const { store, clock } = facts;

  async function write(record: TaskRecord, ifVersion?: number): Promise<boolean> {
    const expiresAt = clock.now() + (record.state === "working" ? WORKING_KEPT_MS : KEPT_MS);
    const options = { expiresAt, ...(ifVersion !== undefined && { ifVersion }) };
    return (await store.put(recordKey(record.taskId), writeJson(record), options)) !== undefined;
  }

  return {
    storeId: await readStoreId(facts),
    async check() {
      await store.get(STORE_ID);
    },
    async read(taskId) {
      const entry = await store.get(recordKey(taskId));
      if (!entry) return undefined;
      const record = splitAtResult(entry.value) ?? JSON.parse(entry.value);
      return { record: record as unknown as TaskRecord, version: entry.version };
    },
    async accept(key, message) {
      const record: WorkingTask = {
        taskId: taskIdOf(key),
        key,
        state: "working",
        acceptedAt: clock.now(),
        ...(message && { message }),
      };
      return (await write(record, 0)) ? record : undefined;
    },
    async bury(tombstone) {
      return (await write(tombstone, 0)) ? tombstone : undefined;
    },
    end: write,
  };
}

async function readStoreId({ store, ids }: { store: Store; ids: Pick<Ids, "random"> }): Promise<string> {
  const known = await store.get(STORE_ID);
  if (known) return JSON.parse(known.value) as string;
  const created = ids.random();
  await store.put(STORE_ID, JSON.stringify(created));
  return created;
}

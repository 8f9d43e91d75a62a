import { OrchestratorError } from "../core/errors.ts";
import type { Clock, Entry, ListOptions, PutOptions, Store } from "../core/ports.ts";
import { checkKey, compareKeys, keyRange } from "./keys.ts";
import { createWatchers } from "./watchers.ts";

interface Kept {
  value: string;
  version: number;
  expiresAt: number | undefined;
}

/** Writes after which expired records are looked for, unless there are more records than that. */
const SWEEP_EVERY = 1_000;

/** A store that lasts as long as this object: for tests, benchmarks, and whoever asks for it by name. */
export function createMemoryStore({ clock }: { clock: Clock }): Store {
  const records = new Map<string, Kept>();
  const watchers = createWatchers();
  let lastVersion = 0;
  let writes = 0;
  let closed = false;
  // Sorted when a listing asks; undefined once a record has gone.
  let keys: string[] | undefined = [];
  let sorted = true;

  function check(key: string): void {
    if (closed) throw new OrchestratorError("store_unavailable", "The memory store is closed.");
    checkKey(key);
  }

  function isLive(kept: Kept | undefined): kept is Kept {
    return kept !== undefined && (kept.expiresAt === undefined || kept.expiresAt > clock.now());
  }

  function sweep(): void {
    if (++writes < Math.max(SWEEP_EVERY, records.size)) return;
    writes = 0;
    const before = records.size;
    for (const [key, kept] of records) if (!isLive(kept)) records.delete(key);
    if (records.size < before) keys = undefined;
  }

  function sortedKeys(): string[] {
    if (keys === undefined) {
      keys = [...records.keys()];
      sorted = false;
    }
    if (!sorted) keys.sort(compareKeys);
    sorted = true;
    return keys;
  }

  /** Where `key` is, or would be. */
  function position(all: string[], key: string): number {
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(all[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    async get(key) {
      check(key);
      const kept = records.get(key);
      return isLive(kept) ? { key, value: kept.value, version: kept.version } : undefined;
    },

    async put(key, value, options?: PutOptions) {
      check(key);
      const kept = records.get(key);
      const ifVersion = options?.ifVersion;
      if (ifVersion !== undefined && ifVersion !== (isLive(kept) ? kept.version : 0)) return undefined;
      const version = ++lastVersion;
      records.set(key, { value, version, expiresAt: options?.expiresAt });
      if (kept === undefined && keys !== undefined) {
        keys.push(key);
        sorted = false;
      }
      sweep();
      if (watchers.size > 0) watchers.tell({ key, version, value });
      return version;
    },

    async delete(key, options = {}) {
      check(key);
      const kept = records.get(key);
      if (!isLive(kept)) return false;
      if (options.ifVersion !== undefined && options.ifVersion !== kept.version) return false;
      records.delete(key);
      keys = undefined;
      watchers.tell({ key, version: ++lastVersion });
      return true;
    },

    async list(prefix, options: ListOptions = {}) {
      check(prefix);
      const { from, to } = keyRange(prefix, options);
      const { limit = 1_000, reverse = false } = options;
      const all = sortedKeys();
      const first = position(all, from);
      const end = to === undefined ? all.length : position(all, to);
      const entries: Entry[] = [];
      for (let step = 0; step < end - first && entries.length < limit; step++) {
        const key = all[reverse ? end - 1 - step : first + step] as string;
        const kept = records.get(key);
        if (isLive(kept)) entries.push({ key, value: kept.value, version: kept.version });
      }
      return entries;
    },

    watch(prefix, listener) {
      check(prefix);
      return watchers.add(prefix, listener);
    },

    async close() {
      closed = true;
      watchers.clear();
      records.clear();
      keys = [];
    },
  };
}

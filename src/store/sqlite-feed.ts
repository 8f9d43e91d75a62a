import type { Database } from "libsql";
import type { Change, Clock } from "../core/ports.ts";
import { createWatchers } from "./watchers.ts";

/** How often another process's writes are looked for while somebody watches. */
const POLL_MS = 50;
/** Changes read at a time. */
const PAGE = 500;

export interface Feed {
  watch(prefix: string, listener: (change: Change) => void): () => void;
  /** Tells the watchers of each change since the last time; never throws. */
  read(): void;
  close(): void;
}

/** The changes of one file, by reading what has a higher `rev` than the last one seen. */
export function createFeed({
  database,
  clock,
  shared,
  onError,
}: {
  database: Database;
  clock: Clock;
  /** Whether other processes may write. */
  shared: boolean;
  onError: (error: unknown, message: string) => void;
}): Feed {
  const watchers = createWatchers();
  let statements: Statements | undefined;
  let lastRev = 0;
  let lastDataVersion = 0;
  let failing = false;
  let stopTimer: (() => void) | undefined;

  function readAll(open: Statements): void {
    let rows: [number, string][];
    do {
      rows = open.changes.all([lastRev]) as [number, string][];
      for (const [rev, key] of rows) {
        if (watchers.has(key)) tell(open, rev, key);
        lastRev = rev;
      }
    } while (rows.length === PAGE);
  }

  /** Values are read one by one: those nobody watches may be large. */
  function tell(open: Statements, rev: number, key: string): void {
    const row = open.value.get([rev]) as [string | null] | undefined;
    // Without a row it was written again meanwhile, and comes once more.
    if (row) watchers.tell(row[0] === null ? { key, version: rev } : { key, version: rev, value: row[0] });
  }

  /** A failure is reported once, and the same changes are read again later. */
  function attempt(action: (open: Statements) => void): void {
    if (watchers.size === 0 || !statements) return;
    try {
      action(statements);
      failing = false;
    } catch (error) {
      if (!failing) onError(error, "Changes of the store cannot be read; watchers will learn of them late.");
      failing = true;
    }
  }

  function poll(): void {
    stopTimer = clock.after(POLL_MS, () => {
      attempt((open) => {
        const [version] = open.dataVersion.get([]) as [number];
        if (version === lastDataVersion && !failing) return;
        readAll(open);
        lastDataVersion = version;
      });
      poll();
    });
  }

  function stopPolling(): void {
    stopTimer?.();
    stopTimer = undefined;
  }

  return {
    watch(prefix, listener) {
      statements ??= prepare(database);
      if (watchers.size > 0) readAll(statements);
      else lastRev = (statements.lastRev.get([]) as [number] | undefined)?.[0] ?? 0;
      const remove = watchers.add(prefix, listener);
      if (shared && !stopTimer) poll();
      return () => {
        remove();
        if (watchers.size === 0) stopPolling();
      };
    },
    read: () => attempt(readAll),
    close() {
      stopPolling();
      watchers.clear();
      statements = undefined;
    },
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    changes: database.prepare(`SELECT rev, key FROM records WHERE rev > ?1 ORDER BY rev LIMIT ${PAGE}`).raw(),
    value: database.prepare("SELECT value FROM records WHERE rev = ?1").raw(),
    lastRev: database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").raw(),
    dataVersion: database.prepare("PRAGMA data_version").raw(),
  };
}

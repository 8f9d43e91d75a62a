import path from "node:path";
import type { Database } from "libsql";
import { OrchestratorError } from "../core/errors.ts";
import type { Clock, Entry, Logger, Store } from "../core/ports.ts";
import { checkKey, isPlainText, keyRange } from "./keys.ts";
import { connect, type Durability } from "./sqlite-connection.ts";
import { storeUnavailable } from "./sqlite-errors.ts";
import { createFeed } from "./sqlite-feed.ts";
import { fileIdentity } from "./sqlite-file.ts";

export interface SqliteOptions {
  /** The file; its folder is made if it is missing. */
  path: string;
  clock: Clock;
  logger: Logger;
  /** Nobody else may have the file open, in this process or another. */
  exclusive?: boolean;
  durability?: Durability;
}

/** How long a deleted record stays for the change feeds of other processes. */
const TOMBSTONE_MS = 600_000;
/** Writes between two removals of expired records. */
const SWEEP_EVERY = 256;
/** Marks a stored value that SQLite would not give back as it was: JSON text of it follows. */
const ESCAPED = "\u0001";

const live = (now: string) => `value IS NOT NULL AND (expires_at IS NULL OR expires_at > ${now})`;
const WRITE = "INSERT OR REPLACE INTO records (key, value, expires_at)";
/** Beyond every key: a BLOB sorts after all TEXT. */
const TO = "coalesce(?2, x'')";

const SQL = {
  get: `SELECT value, rev FROM records WHERE key = ?1 AND ${live("?2")}`,
  put: `${WRITE} VALUES (?1, ?2, ?3) RETURNING rev`,
  putIf: `${WRITE} SELECT ?1, ?2, ?3 WHERE ?4 = coalesce(
    (SELECT rev FROM records WHERE key = ?1 AND ${live("?5")}), 0) RETURNING rev`,
  delete: `${WRITE} SELECT key, NULL, ?2 FROM records
    WHERE key = ?1 AND ${live("?3")} AND (?4 IS NULL OR rev = ?4) RETURNING rev`,
  list: `SELECT key, value, rev FROM records WHERE key >= ?1 AND key < ${TO} AND ${live("?3")}
    ORDER BY key LIMIT ?4`,
  listReverse: `SELECT key, value, rev FROM records WHERE key >= ?1 AND key < ${TO} AND ${live("?3")}
    ORDER BY key DESC LIMIT ?4`,
  // Twice as many as could have expired since the last time, so that it keeps up.
  sweep: `DELETE FROM records WHERE rev IN
    (SELECT rev FROM records WHERE expires_at <= ?1 LIMIT ${2 * SWEEP_EVERY})`,
};

type Statements = Record<keyof typeof SQL, ReturnType<Database["prepare"]>>;

/** Each row as an array: an object for each would cost more. */
function prepare(database: Database, path: string): Statements {
  try {
    const statements = Object.entries(SQL).map(([name, sql]) => {
      const statement = database.prepare(sql);
      return [name, statement.reader ? statement.raw() : statement];
    });
    return Object.fromEntries(statements) as Statements;
  } catch (error) {
    database.close();
    throw storeUnavailable(path, error);
  }
}

/**
 * A store in one SQLite file that the processes of a machine share. Only the latest of several quick
 * changes that another process makes to one record reaches a watcher; an expiry is no change.
 * @throws OrchestratorError `store_unavailable` when the file cannot be used, `conflict` when
 * `exclusive` is asked for and another has it open. Nobody's file is ever removed or replaced.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { clock, logger, exclusive = false, durability = "normal" } = options;
  const file = path.resolve(options.path);
  const database = await connect({ path: file, exclusive, durability, logger });
  const identity = fileIdentity(file);
  // Gone when closed: libsql holds the file open as long as there is a statement.
  let statements: Statements | undefined = prepare(database, file);
  let writes = 0;
  const feed = createFeed({ database, clock, shared: !exclusive, onError: warn });

  function warn(error: unknown, message: string): void {
    logger.warn({ path: file, reason: (error as Error).message }, message);
  }

  /** Runs what needs the open file; whatever goes wrong becomes `store_unavailable`. */
  function using<T>(key: string, action: (statements: Statements) => T): T {
    if (!statements) throw closedError(file);
    checkKey(key);
    try {
      return action(statements);
    } catch (error) {
      throw storeUnavailable(file, error);
    }
  }

  /** Runs a write; its new version, unless its condition did not hold. */
  function write(key: string, action: (statements: Statements) => unknown): number | undefined {
    return using(key, (open) => {
      // SQLite would go on writing to a file that is no longer there.
      if (fileIdentity(file) !== identity) throw replacedError(file);
      const row = action(open) as [number] | undefined;
      if (!row) return undefined;
      feed.read();
      if (++writes % SWEEP_EVERY === 0) sweep();
      return row[0];
    });
  }

  function sweep(): void {
    try {
      statements?.sweep.run([clock.now()]);
    } catch (error) {
      warn(error, "Expired records could not be removed.");
    }
  }

  sweep();
  return {
    async get(key) {
      const row = using(key, (open) => open.get.get([key, clock.now()]) as [string, number] | undefined);
      return row && { key, value: decode(row[0]), version: row[1] };
    },

    async put(key, value, { ifVersion, expiresAt } = {}) {
      const text = encode(value);
      const expiry = expiresAt === undefined ? null : Math.ceil(expiresAt);
      return write(key, (open) =>
        ifVersion === undefined
          ? open.put.get([key, text, expiry])
          : open.putIf.get([key, text, expiry, ifVersion, clock.now()]),
      );
    },

    async delete(key, { ifVersion } = {}) {
      const now = clock.now();
      const gone = write(key, (open) =>
        open.delete.get([key, Math.ceil(now) + TOMBSTONE_MS, now, ifVersion ?? null]),
      );
      return gone !== undefined;
    },

    async list(prefix, listing = {}) {
      const { from, to } = keyRange(prefix, listing);
      const { limit = 1_000, reverse = false } = listing;
      const rows = using(prefix, (open) =>
        (reverse ? open.listReverse : open.list).all([
          from,
          to ?? null,
          clock.now(),
          Math.max(0, Math.min(limit, Number.MAX_SAFE_INTEGER)),
        ]),
      ) as [string, string, number][];
      return rows.map(([key, value, version]): Entry => ({ key, value: decode(value), version }));
    },

    watch(prefix, listener) {
      return using(prefix, () =>
        feed.watch(prefix, (change) => {
          listener(change.value === undefined ? change : { ...change, value: decode(change.value) });
        }),
      );
    },

    async close() {
      if (!statements) return;
      statements = undefined;
      feed.close();
      release(database, exclusive);
    },
  };
}

/** Lets go of the file at once; libsql itself closes it only when the statements are collected. */
function release(database: Database, exclusive: boolean): void {
  try {
    database.exec("PRAGMA busy_timeout = 0");
    // An exclusive lock is given up by leaving the log, and with the next read.
    if (exclusive) database.exec("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL");
    else database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
    database.prepare("SELECT count(*) FROM sqlite_master").get([]);
  } catch {
    // The log stays beside the file, and the next one who opens it reads it: nothing is lost.
  }
  database.close();
}

function encode(value: string): string {
  return isPlainText(value) && !value.startsWith(ESCAPED) ? value : ESCAPED + JSON.stringify(value);
}

function decode(text: string): string {
  return text.startsWith(ESCAPED) ? (JSON.parse(text.slice(1)) as string) : text;
}

function closedError(file: string): OrchestratorError {
  return new OrchestratorError("store_unavailable", `The store ${file} is closed.`, {
    details: { path: file },
  });
}

function replacedError(file: string): OrchestratorError {
  return new OrchestratorError(
    "store_unavailable",
    `The store ${file} was removed or replaced while it was in use.`,
    {
      action: "Start this program again; it then uses the file that is there, or makes a new one.",
      details: { path: file },
    },
  );
}

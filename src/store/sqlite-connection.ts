import type { Database, default as DatabaseClass } from "libsql";
import { OrchestratorError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { isLocked, isReadOnly, storeUnavailable } from "./sqlite-errors.ts";
import { frozenFile, prepareFile } from "./sqlite-file.ts";
import { ensureSchema } from "./sqlite-schema.ts";

/** `normal` survives the death of the process, `full` the loss of power too. */
export type Durability = "normal" | "full";

export interface ConnectOptions {
  /** Absolute path of the file. */
  path: string;
  exclusive: boolean;
  durability: Durability;
  logger: Logger;
}

/** How long a statement waits for the locks of other processes. */
const BUSY_TIMEOUT_MS = 5_000;
/** A file that is held for good is not waited for. */
const EXCLUSIVE_TIMEOUT_MS = 300;

/**
 * An open connection to a file with our tables; where the file or its folder is read-only, one that can
 * only read.
 * @throws OrchestratorError `store_unavailable`; `conflict` when `exclusive` and another has it open
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const { path, exclusive, logger } = options;
  try {
    const Libsql = await loadLibsql();
    prepareFile(path);
    try {
      return open(Libsql, path, (database) => setUp(database, options));
    } catch (error) {
      if (!isReadOnly(error) || exclusive) throw error;
      const database = openReadOnly(Libsql, path, error);
      logger.warn({ path }, "The store is read-only: it can be read, and writes are refused.");
      return database;
    }
  } catch (error) {
    if (exclusive && isLocked(error)) {
      throw new OrchestratorError("conflict", `${path} is in use by another process.`, {
        action: "End the process that uses it, or set ORCHESTRATOR_STATE_DIR to another folder for this one.",
        details: { path },
        cause: error,
      });
    }
    throw storeUnavailable(path, error);
  }
}

async function loadLibsql(): Promise<typeof DatabaseClass> {
  try {
    return (await import("libsql")).default;
  } catch (error) {
    throw new OrchestratorError("store_unavailable", `SQLite cannot be loaded: ${(error as Error).message}`, {
      action: "Install orchestrator-mcp again on this machine, optional dependencies included.",
      cause: error,
    });
  }
}

type Prepare = (database: Database) => void;

function open(Libsql: typeof DatabaseClass, file: string, prepare: Prepare): Database {
  const database = new Libsql(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function setUp(database: Database, { path, exclusive, durability }: ConnectOptions): void {
  if (exclusive) {
    database.exec(`PRAGMA busy_timeout = ${EXCLUSIVE_TIMEOUT_MS}; PRAGMA locking_mode = EXCLUSIVE`);
  }
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  ensureSchema(database, path);
  // A write, even if of nothing: whether the file can be written shows here, not at the first put.
  database.exec("DELETE FROM records WHERE false");
}

function openReadOnly(Libsql: typeof DatabaseClass, path: string, why: unknown): Database {
  const readable: Prepare = (database) => ensureSchema(database, path);
  try {
    return open(Libsql, path, readable);
  } catch (error) {
    const frozen = frozenFile(path);
    if (!isReadOnly(error) || frozen === undefined) throw why;
    return open(Libsql, frozen, readable);
  }
}

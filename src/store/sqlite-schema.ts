import type { Database } from "libsql";
import { OrchestratorError } from "../core/errors.ts";

/** Rises with each change of the tables that an older program would misread. */
export const SCHEMA_VERSION = 1;

/** Tells our files from those of other programs: "ORCH". */
const APPLICATION_ID = 0x4f524348;

/**
 * `rev` is the version: AUTOINCREMENT never gives a number out twice, so compare-and-set cannot mistake
 * a record for an earlier one. A deleted record stays for a while without a value, for the change feed.
 * STRICT, because libsql ends the process when it reads a BLOB.
 */
const TABLES = `
  CREATE TABLE records (
    rev INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    value TEXT,
    expires_at INTEGER
  ) STRICT;
  CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};`;

/**
 * Makes the tables in an empty file.
 * @throws OrchestratorError `store_unavailable` for a newer version's file or another program's
 */
export function ensureSchema(database: Database, path: string): void {
  if (isOurs(database, path)) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    if (!isOurs(database, path)) database.exec(TABLES);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** False for an empty file. */
function isOurs(database: Database, path: string): boolean {
  const single = (sql: string) => (database.prepare(sql).raw().get([]) as [number])[0];
  const version = single("PRAGMA user_version");
  const application = single("PRAGMA application_id");
  const tables = single("SELECT count(*) FROM sqlite_master");
  if (application === 0 && version === 0 && tables === 0) return false;
  if (application !== APPLICATION_ID) {
    throw new OrchestratorError("store_unavailable", `${path} is the database of another program.`, {
      action: "Set ORCHESTRATOR_STATE_DIR to a folder of its own, or move that file away.",
      details: { path },
    });
  }
  if (version <= SCHEMA_VERSION) return true;
  throw new OrchestratorError(
    "store_unavailable",
    `The store ${path} has schema version ${version}; this program knows version ${SCHEMA_VERSION}.`,
    {
      action: "Upgrade orchestrator-mcp, or set ORCHESTRATOR_STATE_DIR to another folder.",
      details: { path, version, knownVersion: SCHEMA_VERSION },
    },
  );
}

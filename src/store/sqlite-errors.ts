import { OrchestratorError } from "../core/errors.ts";

interface Reason {
  what: string;
  action: string;
}

const DAMAGED: Reason = {
  what: "is damaged, or is no SQLite database",
  action:
    "Restore the file from a backup, or move it and its -wal and -shm aside to start with an empty store.",
};
const READ_ONLY: Reason = {
  what: "is read-only",
  action: "Let this user write to the file and its folder, or set ORCHESTRATOR_STATE_DIR to another folder.",
};
const FULL: Reason = { what: "has no room left on its disk", action: "Free some space, then try again." };
const NO_FILE: Reason = {
  what: "cannot be opened",
  action:
    "Make sure that the path is a file in a folder that this user may use, or set ORCHESTRATOR_STATE_DIR.",
};

/** By SQLite's primary result code, and by the system's error code. */
const REASONS: Record<number | string, Reason> = {
  5: { what: "is locked by another process", action: "End the process that holds it, or try again later." },
  8: READ_ONLY,
  10: { what: "cannot be read or written", action: "Check the disk that holds it, then try again." },
  11: DAMAGED,
  13: FULL,
  14: NO_FILE,
  26: DAMAGED,
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  EROFS: READ_ONLY,
  ENOSPC: FULL,
  EDQUOT: FULL,
  EISDIR: { ...NO_FILE, what: "is a folder, not a file" },
  EEXIST: NO_FILE,
  ENOTDIR: NO_FILE,
};

/** SQLite's primary result code, without what an extended code adds; undefined for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  const { rawCode, message } = error as { rawCode?: number; message?: string };
  // libsql gives no code for a file that cannot be opened, only this text.
  if (rawCode === undefined) return message?.startsWith("ConnectionFailed") ? 14 : undefined;
  return rawCode & 0xff;
}

/** Whether the error means that the file, or what SQLite keeps beside it, cannot be written here. */
export function isReadOnly(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 8 || code === 14;
}

export function isLocked(error: unknown): boolean {
  return sqliteCode(error) === 5;
}

/** Any failure of the file at `path` as `store_unavailable`, with its path and what to do. */
export function storeUnavailable(path: string, error: unknown): OrchestratorError {
  if (error instanceof OrchestratorError) return error;
  const { code, message } = error as { code?: string; message?: string };
  const reason = REASONS[sqliteCode(error) ?? code ?? ""];
  return new OrchestratorError(
    "store_unavailable",
    `The store ${path} ${reason?.what ?? "failed"}: ${message}.`,
    {
      action: reason?.action,
      details: { path },
      cause: error,
    },
  );
}

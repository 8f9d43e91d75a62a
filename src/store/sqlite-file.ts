import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const NOT_OURS = new Set(["EACCES", "EPERM", "EROFS"]);

const errorCode = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";

/**
 * Makes the folder (0700) and the file (0600) that are missing, and takes the file away from other
 * users. SQLite gives what it keeps beside the file the same mode.
 *
 * An existing file is never opened here: closing it would drop every lock that this process holds on
 * it through SQLite (so POSIX has it), and two writers could meet.
 */
export function prepareFile(path: string): void {
  makeFolder(dirname(path));
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) throw error;
    if (found.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: "EISDIR" });
  }
  if (process.platform === "win32") return;
  for (const file of [path, `${path}-wal`, `${path}-shm`]) keepPrivate(file);
}

function keepPrivate(file: string): void {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return;
  try {
    chmodSync(file, mode & 0o700);
  } catch (error) {
    // The file of another user, who lets us write to it: not ours to change.
    if (!NOT_OURS.has(errorCode(error))) throw error;
  }
}

/** Which file is at the path now; undefined if there is none. */
export function fileIdentity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/**
 * The file as SQLite reads it where it may write nothing beside it. Only for a file whose write-ahead
 * log is empty: what the log holds would be missing.
 */
export function frozenFile(path: string): string | undefined {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return (log?.size ?? 0) > 0 ? undefined : `${pathToFileURL(path).href}?immutable=1`;
}

/** Each missing folder by itself: Node's own recursion never ends where the file system has none, as /proc. */
function makeFolder(folder: string): void {
  if (!makeOneFolder(folder)) return;
  // Another process may be making it too.
  makeFolder(dirname(folder));
  const error = makeOneFolder(folder);
  if (error) throw error;
}

/** The failure of one whose parent is missing; any other is thrown. */
function makeOneFolder(folder: string): Error | undefined {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return error as Error;
    if (code !== "EEXIST") throw error;
  }
  return undefined;
}

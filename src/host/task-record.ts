import { createHash } from "node:crypto";
import type { ErrorBody } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Usage } from "../core/usage.ts";

/** What the journal keeps of one key. Times are epoch milliseconds. */
export type TaskRecord = WorkingTask | EndedTask | Tombstone;

interface TaskFacts {
  taskId: string;
  key: string;
  /** The message of a session that this task is. */
  message?: MessageRef;
}

export interface MessageRef {
  sessionId: string;
  seq: number;
}

/** Accepted: it waits for its turn or is being worked on. */
export interface WorkingTask extends TaskFacts {
  state: "working";
  acceptedAt: number;
}

export type EndedTask = TaskFacts & { acceptedAt: number; endedAt: number } & TaskEnd;

/** How a task ended. */
export type TaskEnd = (
  | { state: "done"; result: Json }
  | { state: "failed" | "cancelled"; error: ErrorBody }
) & {
  usage?: Usage;
};

/** The key was cancelled before it was ever seen: a task that carries it later is not executed. */
export interface Tombstone {
  state: "tombstone";
  taskId: string;
  key: string;
  endedAt: number;
  error: ErrorBody;
}

/**
 * A task's id follows from its key, so that one record serves questions by either and no index can
 * disagree with it.
 */
export function taskIdOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}

import type { Cancellation } from "../core/cancellation.ts";
import type { Json } from "../core/json.ts";
import type { Usage } from "../core/usage.ts";

/** One message that a session has answered. */
export interface WorkerTurn {
  data: Json;
  result: Json;
}

export interface WorkerTask {
  /** The idempotency key that the task came under. */
  key: string;
  /** Orchestrators that the task has passed. */
  hops: number;
  /** Never `null`: the host answers `null` with the worker's description. */
  payload: Json;
  session?: {
    id: string;
    /** What the last reply of this session asked to keep; `undefined` before the first. */
    state: Json | undefined;
    /** Earlier messages that were answered, oldest first. */
    history: WorkerTurn[];
  };
  /** Cancelled when nobody wants the answer; the worker stops as soon as it can and throws. */
  cancellation: Cancellation;
}

export interface WorkerReply {
  result: Json;
  /** Kept for the session's next message; without it, what was kept before stays. */
  state?: Json;
  /** What the task has used. */
  usage?: Usage;
}

/** What of a reply is told to whoever sent the task. */
export type WorkerResult = Pick<WorkerReply, "result" | "usage">;

export function resultOf({ result, usage }: WorkerReply): WorkerResult {
  return { result, ...(usage && { usage }) };
}

/** What a worker says to a `null` payload. */
export interface WorkerDescription {
  /** What it does, in a sentence. */
  does: string;
  /** The payload that it takes, in words. */
  payload: string;
  /** A payload that works. */
  example: Json;
}

/** Does the work of an instance. The host calls it for many tasks at once, but never for two of one session. */
export interface Worker {
  readonly description: WorkerDescription;
  /** False where it keeps no sessions: then none can be opened. */
  readonly sessions?: boolean;
  /**
   * A throw is a reply of `failed`; an OrchestratorError keeps its code, and a {@link Usage} as its
   * `details.usage` says what failing has used.
   */
  run(task: WorkerTask): Promise<WorkerReply>;
  /** What health shows besides the host's own figures, such as the number of documents indexed. */
  facts?(): Record<string, Json>;
  close(): Promise<void>;
}

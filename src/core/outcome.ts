import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Usage } from "./usage.ts";

/** One request to one instance, as the run keeps it. Times are epoch milliseconds. */
export interface Attempt {
  instance: string;
  /** The idempotency key that the request carried. */
  key: string;
  startedAt: number;
  endedAt?: number;
  delivery: Delivery;
  reply: Reply;
  /** A tombstone has burnt the key. */
  keyBurnt?: true;
  /** The journal's identity that health showed before the send; a tombstone's proof needs it. */
  storeId?: string;
  error?: ErrorBody;
  usage?: Usage;
}

/** What became of a task at one instance. */
export interface Outcome {
  instance: string;
  /** Where the instance was; who takes the run over must know it by name and origin. */
  origin?: string;
  delivery: Delivery;
  reply: Reply;
  /** The instance's own id for the task, once it has given one. */
  taskId?: string;
  /** What the instance calls the session from here on, if it has said so. */
  remoteId?: string;
  result?: Json;
  /** Length of the result's JSON text, once that is stored. */
  resultChars?: number;
  error?: ErrorBody;
  /** What all attempts there cost, as far as the instance said. */
  usage?: Usage;
  startedAt?: number;
  endedAt?: number;
}

/** An outcome as a run's record has it: results have records of their own. */
export function withoutResult(outcome: Outcome): Outcome {
  if (outcome.result === undefined) return outcome;
  const { result: _kept, ...rest } = outcome;
  return rest;
}

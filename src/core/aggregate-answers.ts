import type { AggregationStrategy, Dissent } from "./aggregation/strategy.ts";
import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";

// What many answers come to.

export interface MissingInstance {
  instance: string;
  /** Of which run, where several are combined. */
  runId?: string;
  reply: Reply;
  delivery: Delivery;
  error?: ErrorBody;
  /** Of one that is done: why its answer is not in the value. */
  why?: string;
}

export interface AggregateAnswer {
  strategy: AggregationStrategy;
  /** Null without `consensus`, and while `pending`. */
  value: Json;
  /** Whose results are in the value, in target order. */
  sources: string[];
  /** Who differs, and where. */
  dissent: Dissent[];
  /** Who was asked and is not in it, and why. */
  missing: MissingInstance[];
  /** Nobody is missing. */
  complete: boolean;
  /** Whose answers were text within which JSON, or a list, was found and used. */
  extracted?: string[];
  /** `majority`, `quorum`: whether enough agree. */
  consensus?: boolean;
  /** `reduce`, `judge`: who was asked, and the run of that. */
  by?: { instance?: string; runId: string };
  /** `judge`: the number of the answer that was picked, whose it is, and why. */
  verdict?: { choice: number; instance: string; reason?: string };
  /** `reduce`, `judge`: the wait was over first; the run of `by` goes on. */
  pending?: true;
  /** The run whose replies these are. */
  runId?: string;
  runIds?: string[];
}

import type { Json } from "../json.ts";

/** Aggregation strategies: how the answers of several instances become one. */
export const AGGREGATION_STRATEGIES = ["collect", "merge", "concat", "first", "rank-fusion"] as const;
export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

/** One instance's result, in target order. */
export interface InstanceResult {
  instance: string;
  result: Json;
}

export interface AggregateOptions {
  /** `rank-fusion`: dotted path of a hit's identity; default `id`. */
  key?: string | undefined;
  /** `rank-fusion`: how many hits to keep; default all. */
  limit?: number | undefined;
  /** `concat`: text between two answers; default an empty line. */
  separator?: string | undefined;
}

/** Where instances disagree, and what each of those that say anything there says. */
export interface Dissent {
  /** Dotted path in the value, `a.b` or `a["x.y"]`; empty where the answers as a whole disagree. */
  path: string;
  /** In target order; the first one's is in the value. */
  values: { instance: string; value: Json }[];
}

export interface Aggregated {
  value: Json;
  /** The instances whose answers are in the value, in target order. */
  sources: string[];
  /** `merge`: every conflict; absent where there is none. */
  dissent?: Dissent[];
}

/**
 * One strategy: pure, and never called with no results at all.
 *
 * @throws OrchestratorError `aggregate_failed` where the answers are nothing that it can combine.
 */
export type Aggregate = (results: readonly InstanceResult[], options: AggregateOptions) => Aggregated;

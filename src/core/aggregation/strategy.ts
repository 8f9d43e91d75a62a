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
  /** `rank-fusion`: dotted path of a hit's identity. */
  key?: string | undefined;
  /** `rank-fusion`: how many hits to keep. */
  limit?: number | undefined;
  /** `concat`: text between two answers. */
  separator?: string | undefined;
}

/** Where instances disagree: a path in the value and what each of them said there. */
export interface Dissent {
  path: string;
  values: { instance: string; value: Json }[];
}

export interface Aggregated {
  value: Json;
  /** The instances whose answers are in the value. */
  sources: string[];
  dissent?: Dissent[];
}

/** One strategy: pure, and total over any JSON. It is never called with no results at all. */
export type Aggregate = (results: readonly InstanceResult[], options: AggregateOptions) => Aggregated;

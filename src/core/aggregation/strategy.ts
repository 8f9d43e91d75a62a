import type { Json } from "../json.ts";

/** Aggregation strategies: how the answers of several instances become one. */
export const AGGREGATION_STRATEGIES = [
  ...(["collect", "merge", "concat", "first", "rank-fusion"] as const),
  ...(["majority", "quorum", "unique", "numeric", "top", "reduce", "judge"] as const),
] as const;
export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

/** Those that ask an instance; all others are pure. */
export type AskingStrategy = "reduce" | "judge";
export type PureStrategy = Exclude<AggregationStrategy, AskingStrategy>;

export function asks(strategy: AggregationStrategy): strategy is AskingStrategy {
  return strategy === "reduce" || strategy === "judge";
}

/** What text is read as before answers are compared; each does what those before it do. */
export const NORMALIZATIONS = ["none", "trim", "lower", "number"] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

export const ORDERS = ["desc", "asc"] as const;
export type Order = (typeof ORDERS)[number];

/** Which of them a strategy takes: `options.ts`. A path is that of `path.ts`. */
export interface AggregateOptions {
  /** Path of an entry's identity; `rank-fusion`: default `id`, `unique`: the whole entry. */
  key?: string | undefined;
  /** How many entries to keep; default all. */
  limit?: number | undefined;
  /** Text between two answers; default an empty line. */
  separator?: string | undefined;
  /** What is compared, counted or ranked; default the whole answer. */
  path?: string | undefined;
  /** How text is read before it is compared; default `trim`. */
  normalize?: Normalization | undefined;
  /** How many must agree. */
  quorum?: number | undefined;
  /** Whether high or low scores are best; default `desc`, the highest first. */
  order?: Order | undefined;
  /** Who reduces or judges. */
  instance?: string | string[] | undefined;
  /** What that one is told. */
  instruction?: string | undefined;
}

/** Who gave an answer; with the run that it belongs to where several are combined. */
export interface Source {
  instance: string;
  runId?: string;
}

/** One instance's result. */
export interface InstanceResult extends Source {
  result: Json;
}

/** The same, and where it stands in target order, which decides ties. */
export interface PlacedResult extends InstanceResult {
  place: number;
}

/** Where instances disagree, and what each of those that say anything there says. */
export interface Dissent {
  /** Path in the answers, `a.b` or `a["x.y"]`; empty where the answers as a whole disagree. */
  path: string;
  /**
   * In target order. `merge` and `unique`: all who say anything there, and the first one's is in the
   * value; `majority` and `quorum`: those who differ from the value.
   */
  values: (Source & { value: Json })[];
}

/** An answer that a strategy could make nothing of. */
export interface Unused extends Source {
  place: number;
  why: string;
}

export interface Aggregated {
  value: Json;
  /** The instances whose answers are in the value, in target order, each once. */
  sources: string[];
  /** Absent where there is none. */
  dissent?: Dissent[];
  /** In target order; absent where there is none. */
  unused?: Unused[];
  /** Whose answers were text within which JSON, or a list, was found and used. */
  extracted?: string[];
  /** `majority`, `quorum`: whether enough agree; the value is null where not. */
  consensus?: boolean;
}

/**
 * Takes the answers of one aggregation as they arrive. What it comes to does not depend on the order in
 * which they do. Where the strategy allows, it keeps no answer.
 */
export interface Accumulator {
  add(answer: PlacedResult): void;
  /** So many agree that the others need not be awaited. */
  readonly settled?: boolean;
  /**
   * Never called before an answer was added; may be called again when more were.
   *
   * @throws OrchestratorError `aggregate_failed` where the answers are nothing that it can combine.
   */
  result(): Aggregated;
}

export type Strategy = (options: AggregateOptions) => Accumulator;

/** A strategy that needs all answers at once: pure, over at least one answer, in target order. */
export type Combine = (results: readonly PlacedResult[], options: AggregateOptions) => Aggregated;

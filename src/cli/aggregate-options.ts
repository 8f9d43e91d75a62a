import { Option } from "commander";
import { takersOf } from "../core/aggregation/options.ts";
import {
  AGGREGATION_STRATEGIES,
  type AggregationStrategy,
  NORMALIZATIONS,
  ORDERS,
} from "../core/aggregation/strategy.ts";
import type { AggregateOptions, AggregateSpec } from "../core/calls.ts";
import { numberOption, wordOption } from "./call-options.ts";
import { flagOf, usage } from "./flags.ts";

/** What the strategies are told besides, as it was written. */
export type StrategyOptions = AggregateOptions;

/** How answers become one, as it was written. */
export interface CombineOptions extends StrategyOptions {
  aggregate?: "true" | "false" | AggregationStrategy;
}

export const aggregateOption = () =>
  wordOption("--aggregate [how]", "combine the answers; true makes a JSON array of them", [
    "true",
    "false",
    ...AGGREGATION_STRATEGIES,
  ]).preset("true");

/** What some aggregation strategies are told besides. */
export const strategyOptions = () => [
  new Option("--path <path>", "majority, quorum, numeric, top: what is compared or counted, such as a.b"),
  new Option("--key <path>", "rank-fusion, unique: path of an entry's identity, such as id"),
  numberOption("--limit <n>", "rank-fusion, unique, top: how many entries to keep"),
  new Option("--separator <text>", "concat: text between answers"),
  wordOption("--normalize <how>", "majority, quorum: how text is read; default trim", NORMALIZATIONS),
  numberOption("--quorum <n>", "quorum: how many must agree"),
  wordOption("--order <order>", "top: default desc, the highest first", ORDERS),
  new Option("--instance <selector>", "reduce, judge: who is asked"),
  new Option("--instruction <text>", "reduce, judge: what that one is told"),
];

export const minSuccessOption = () =>
  numberOption("--min-success <n>", "fewer answers than this are an error, quorum_not_met");

/** What {@link strategyOptions} takes, as fields of a call. */
export function strategyFields(options: StrategyOptions): StrategyOptions {
  const { path, key, limit, separator, normalize, quorum, order, instance, instruction } = options;
  const fields = { path, key, limit, separator, normalize, quorum, order, instance, instruction };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** @throws OrchestratorError `bad_request` for what a strategy is told where there is none. */
export function aggregateOf(options: CombineOptions): AggregateSpec | undefined {
  const { aggregate } = options;
  const fields = strategyFields(options);
  const how = aggregate === "true" ? true : aggregate === "false" ? false : aggregate;
  const [first] = Object.entries(fields);
  if (first === undefined) return how;
  if (typeof how === "string") return { strategy: how, ...fields };
  const [name, value] = first as [keyof StrategyOptions, unknown];
  const flag = flagOf(name);
  throw usage(
    `${flag} is for an aggregation strategy.`,
    `Name one, as in --aggregate ${takersOf(name)[0]} ${flag} ${value}.`,
  );
}

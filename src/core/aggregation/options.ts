import type { AggregateOptions, AggregationStrategy } from "./strategy.ts";

type Option = keyof AggregateOptions;

/** What each strategy takes; what it cannot do without stands first and ends with `!`. */
const OPTIONS: Record<AggregationStrategy, readonly (Option | `${Option}!`)[]> = {
  collect: [],
  merge: [],
  concat: ["separator"],
  first: [],
  "rank-fusion": ["key", "limit"],
  majority: ["path", "normalize"],
  quorum: ["quorum!", "path", "normalize"],
  unique: ["key", "limit"],
  numeric: ["path"],
  top: ["path!", "limit", "order"],
  reduce: ["instance!", "instruction!"],
  judge: ["instance!", "instruction"],
};

const STRATEGIES = Object.keys(OPTIONS) as AggregationStrategy[];

function optionsOf(strategy: AggregationStrategy): Option[] {
  return OPTIONS[strategy].map((option) => option.replace("!", "") as Option);
}

function needsOf(strategy: AggregationStrategy): Option[] {
  return OPTIONS[strategy]
    .filter((option) => option.endsWith("!"))
    .map((option) => option.slice(0, -1) as Option);
}

/** Strategies that take an option. */
export function takersOf(option: Option): AggregationStrategy[] {
  return STRATEGIES.filter((strategy) => optionsOf(strategy).includes(option));
}

/** Strategies that need to be told nothing. */
export const STANDALONE_STRATEGIES = STRATEGIES.filter((strategy) => needsOf(strategy).length === 0);

export interface OptionProblem {
  option: Option;
  message: string;
}

/** What is wrong with what a strategy is told: an option that it does not take, or lacks. */
export function optionProblems(given: { strategy: AggregationStrategy } & AggregateOptions): OptionProblem[] {
  const { strategy } = given;
  const known = new Set(optionsOf(strategy));
  const strange = STRATEGIES.flatMap(optionsOf)
    .filter((option, index, options) => options.indexOf(option) === index)
    .filter((option) => given[option] !== undefined && !known.has(option))
    .map((option) => ({
      option,
      message: `${strategy} takes no ${option}, which is for ${takersOf(option).join(", ")}`,
    }));
  const lacking = needsOf(strategy)
    .filter((option) => given[option] === undefined)
    .map((option) => ({ option, message: `${strategy} needs it` }));
  return [...strange, ...lacking];
}

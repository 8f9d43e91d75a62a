import { OrchestratorError } from "../errors.ts";
import { collect } from "./collect.ts";
import { concat } from "./concat.ts";
import { first } from "./first.ts";
import { merge } from "./merge.ts";
import { rankFusion } from "./rank-fusion.ts";
import type {
  Aggregate,
  Aggregated,
  AggregateOptions,
  AggregationStrategy,
  InstanceResult,
} from "./strategy.ts";

const STRATEGIES: Record<AggregationStrategy, Aggregate> = {
  collect,
  merge,
  concat,
  first,
  "rank-fusion": rankFusion,
};

/**
 * Combines the results of several instances, given in target order, into one value.
 *
 * @throws OrchestratorError `aggregate_failed` without any result, where a strategy can make nothing
 * of the answers, or where they are nested too deeply or too large to combine.
 */
export function aggregate(
  strategy: AggregationStrategy,
  results: readonly InstanceResult[],
  options: AggregateOptions = {},
): Aggregated {
  if (results.length === 0) {
    throw new OrchestratorError("aggregate_failed", `There is no answer to combine with ${strategy}.`, {
      action: "Read the run's outcomes: they say why no instance has answered.",
    });
  }
  try {
    return STRATEGIES[strategy](results, options);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new OrchestratorError(
      "aggregate_failed",
      `The answers are nested too deeply or are too large for ${strategy}: ${thrown.message}.`,
      { cause: thrown },
    );
  }
}

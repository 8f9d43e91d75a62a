import { OrchestratorError } from "../errors.ts";
import { collect } from "./collect.ts";
import { concat } from "./concat.ts";
import { first } from "./first.ts";
import { gathered } from "./gather.ts";
import { majority } from "./majority.ts";
import { merge } from "./merge.ts";
import { numeric } from "./numeric.ts";
import { quorum } from "./quorum.ts";
import { rankFusion } from "./rank-fusion.ts";
import type {
  Accumulator,
  Aggregated,
  AggregateOptions,
  InstanceResult,
  PureStrategy,
  Strategy,
} from "./strategy.ts";
import { top } from "./top.ts";
import { unique } from "./unique.ts";

const STRATEGIES: Record<PureStrategy, Strategy> = {
  collect: gathered(collect),
  merge: gathered(merge),
  concat: gathered(concat),
  first,
  "rank-fusion": gathered(rankFusion),
  majority,
  quorum,
  unique: gathered(unique),
  numeric,
  top,
};

/**
 * Takes answers as they arrive and combines them when it is asked. Adding one never throws.
 *
 * Its `result` throws an OrchestratorError `aggregate_failed` without any answer, where the strategy can
 * make nothing of the answers, or where they are nested too deeply or too large to combine.
 */
export function accumulator(strategy: PureStrategy, options: AggregateOptions = {}): Accumulator {
  const inner = STRATEGIES[strategy](options);
  let added = 0;
  let failed: OrchestratorError | undefined;
  return {
    add(answer) {
      added += 1;
      try {
        inner.add(answer);
      } catch (thrown) {
        failed ??= tooMuch(strategy, thrown);
      }
    },
    get settled() {
      return inner.settled === true;
    },
    result() {
      if (added === 0) throw noAnswer(strategy);
      if (failed) throw failed;
      try {
        return inner.result();
      } catch (thrown) {
        throw tooMuch(strategy, thrown);
      }
    },
  };
}

/**
 * Combines the results of several instances, given in target order, into one value.
 *
 * @throws OrchestratorError as {@link accumulator} says.
 */
export function aggregate(
  strategy: PureStrategy,
  results: readonly InstanceResult[],
  options: AggregateOptions = {},
): Aggregated {
  const answers = accumulator(strategy, options);
  results.forEach((result, place) => {
    answers.add({ ...result, place });
  });
  return answers.result();
}

export function noAnswer(strategy: string): OrchestratorError {
  return new OrchestratorError("aggregate_failed", `There is no answer to combine with ${strategy}.`, {
    action: "Read the run's outcomes: they say why no instance has answered.",
  });
}

function tooMuch(strategy: string, thrown: unknown): OrchestratorError {
  if (!(thrown instanceof RangeError)) return OrchestratorError.from(thrown);
  return new OrchestratorError(
    "aggregate_failed",
    `The answers are nested too deeply or are too large for ${strategy}: ${thrown.message}.`,
    { cause: thrown },
  );
}

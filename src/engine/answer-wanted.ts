import { asks } from "../core/aggregation/strategy.ts";
import type { FanoutInput } from "../core/requests.ts";
import type { AnswerWanted, Run } from "../core/run.ts";
import type { Fold } from "./aggregate-fold.ts";

/** What another process must know of a fan-out to answer its call. */
export function wantedOf(
  { minSuccess, detail, cancelRest }: FanoutInput,
  fold: Fold | undefined,
): Pick<Run, "wanted"> {
  const wanted: AnswerWanted = {
    ...(fold && { aggregate: asks(fold.spec.strategy) ? { strategy: fold.spec.strategy } : fold.spec }),
    ...(minSuccess !== undefined && { minSuccess }),
    ...(detail === "brief" && { brief: true }),
    ...((cancelRest ?? fold?.spec.quorum !== undefined) && { cancelsRest: true }),
  };
  return Object.keys(wanted).length > 0 ? { wanted } : {};
}

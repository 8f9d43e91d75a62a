import { OrchestratorError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { FanoutInput } from "../core/requests.ts";
import type { Fold } from "./aggregate-fold.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";

/** Resolves when `minReplies` are done, or nobody new has answered for as long as `stall` says. */
export function enoughReplies(
  { clock }: EngineParts,
  open: OpenRun,
  { minReplies = open.run.outcomes.length, stall }: FanoutInput,
): Promise<void> {
  return new Promise((resolve) => {
    let done = 0;
    let stopStall = stall === undefined ? undefined : clock.after(stall, resolve);
    open.onEnded(({ reply }) => {
      if (reply === "done") done += 1;
      stopStall?.();
      if (stall !== undefined && open.run.outcomes.some(({ endedAt }) => endedAt === undefined)) {
        stopStall = clock.after(stall, resolve);
      }
      // All that there are to come is what the run's own end tells.
      if (done >= minReplies && done < open.run.outcomes.length) resolve();
    });
  });
}

/**
 * Folds a fan-out's answers as they arrive. Once so many agree that the others need not be awaited, these are
 * cancelled, whether anybody waits or not, which ends the run; where they are not to be, that is told.
 */
export function foldIn(
  open: OpenRun,
  fold: Fold,
  { cancelRest = true }: Pick<FanoutInput, "cancelRest">,
  onSettled: () => void,
): void {
  const places = new Map<Outcome, number>(open.run.outcomes.map((outcome, place) => [outcome, place]));
  open.onEnded((outcome) => {
    const { instance, reply, result } = outcome;
    if (reply !== "done" || result === undefined) return;
    fold.add(places.get(outcome) as number, { instance, result });
    if (!fold.settled) return;
    if (cancelRest) open.cancellation.cancel(notNeeded(fold));
    else onSettled();
  });
}

function notNeeded({ spec }: Fold): OrchestratorError {
  return new OrchestratorError("cancelled", `${spec.quorum} answers agree: the rest was not needed.`);
}

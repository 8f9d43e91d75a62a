import type { OrchestrateAnswer, StepCounts } from "../core/plan-answers.ts";
import type { RunDetail } from "../core/run-answers.ts";

/** What a plan came to, or how far it is, from what `runsGet` says of its run. */
export function planAnswerOf(run: RunDetail): OrchestrateAnswer {
  const { runId, counts, steps = [], reply = "pending", value, error, warnings } = run;
  return {
    ...{ runId, reply, steps, counts: counts as StepCounts },
    ...(value !== undefined && { value }),
    ...(error && { error }),
    ...(reply === "pending" && { survivesExit: false }),
    ...(warnings && { warnings }),
  };
}

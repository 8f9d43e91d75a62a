import type { AggregateAnswer } from "../core/answers.ts";
import { OrchestratorError } from "../core/errors.ts";

/** Too few have answered; `details` has what there is. */
export function quorumNotMet(
  minSuccess: number,
  done: number,
  details: Record<string, unknown> & { aggregate?: AggregateAnswer | undefined },
  runId?: string,
): OrchestratorError {
  return new OrchestratorError(
    "quorum_not_met",
    `${done} ${done === 1 ? "instance has" : "instances have"} answered, and minSuccess is ${minSuccess}.`,
    { runId, details: { minSuccess, done, ...details } },
  );
}

import type { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Step } from "../../core/plan.ts";
import type { PlanRun } from "./plan-run.ts";

/** One call of a step: the step's only one, or that of one item. */
export interface StepCall {
  run: PlanRun;
  step: Step;
  index: number;
  item?: { item: Json; index: number };
  cancellation: Cancellation;
}

/** What the plan decides of each call. */
export function decided({ run, step }: StepCall): Record<string, Json> {
  const leftMs = Math.max(1, Math.ceil(run.open.remainingMs));
  const timeout = `${Math.min(step.timeout ?? leftMs, leftMs)}ms`;
  return { timeout, wait: timeout };
}

/** The caller's key of a call: the same in each process, another for each generation. */
export function keyOf({ run, step, index }: StepCall): string {
  const { edition, generations } = run.step(step.id);
  return `plan/${run.open.run.runId}/${step.id}/${index}/${edition}.${generations[index] ?? 0}`;
}

/** The call is begun anew: its keys change before anything is sent under them. */
export async function beginAnew({ run, step, index }: StepCall): Promise<void> {
  const { generations } = run.step(step.id);
  generations[index] = (generations[index] ?? 0) + 1;
  run.open.touch();
  await run.open.stored();
}

/**
 * Makes a call of one task. One that was cut off before it was sent is made anew, under other keys.
 *
 * @throws OrchestratorError what the call throws, and `conflict` once the plan's budget is spent.
 */
export async function makeUntilSent<T>(call: StepCall, make: () => Promise<T>): Promise<T> {
  for (;;) {
    const spent = call.run.spend(1);
    try {
      return await make();
    } catch (thrown) {
      const error = OrchestratorError.from(thrown);
      if (!isUnsent(error) || call.cancellation.error) throw error;
    } finally {
      spent();
    }
    await beginAnew(call);
  }
}

/** Cut off by the death of its process before it was sent: certainly nothing was done. */
export function isUnsent(error: { code: string; delivery?: string | undefined } | undefined): boolean {
  return error?.code === "interrupted" && error.delivery === "not_sent";
}

/**
 * Of a process that is about to leave its runs to others nothing is begun or concluded any more: whoever
 * takes the plan over follows the calls under the same keys.
 *
 * @throws OrchestratorError once the plan has been let go of.
 */
export async function unlessLeaving({ parts, open }: PlanRun): Promise<void> {
  if (!parts.leaving.error) return;
  throw await new Promise<OrchestratorError>((resolve) => open.cancellation.onCancel(resolve));
}

export function unfinished({ id }: Step): OrchestratorError {
  return new OrchestratorError("timeout", `Step ${id} had not ended when its time was over.`, {
    action: "Give the step or the plan a longer timeout.",
  });
}

import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { OrchestrateAnswer } from "../../core/plan-answers.ts";
import type { PlanProgress } from "../../core/plan-state.ts";
import type { Run } from "../../core/run.ts";
import type { EngineParts } from "../parts.ts";
import type { Performed } from "../perform.ts";
import { stepResult, stepViews } from "../step-views.ts";
import { countSteps, usageOf } from "../views.ts";
import { readPlan } from "./plans.ts";
import { resolve } from "./references.ts";

/** What a plan came to, or how far it is. */
export async function planAnswer(
  parts: EngineParts,
  { run, warnings, over }: Pick<Performed, "run" | "warnings" | "over">,
): Promise<OrchestrateAnswer> {
  const progress = run.plan as PlanProgress;
  const isOver = over && run.endedAt !== undefined;
  const reply = isOver ? replyOf(progress) : "pending";
  const said = [...warnings];
  const output = reply === "done" ? await outputOf(parts, run, said) : undefined;
  return {
    runId: run.runId,
    reply,
    counts: countSteps(progress),
    steps: await stepViews(parts, run),
    ...usageOf(run),
    ...(output !== undefined && { value: output }),
    ...((reply === "failed" || reply === "cancelled") && { error: whyNotDone(run, progress).toBody() }),
    // Another process has to take it over before its next step is begun.
    ...(reply === "pending" && { survivesExit: false }),
    ...(said.length > 0 && { warnings: said }),
  };
}

/** How a plan has ended and, where it is done, what it came to. */
export async function planValue(
  parts: EngineParts,
  run: Run,
): Promise<Pick<OrchestrateAnswer, "value"> & { reply: "done" | "failed" | "cancelled" }> {
  const reply = replyOf(run.plan as PlanProgress);
  const value = reply === "done" ? await outputOf(parts, run, []) : undefined;
  return { reply, ...(value !== undefined && { value }) };
}

export function replyOf({ steps, failedAt }: PlanProgress): "done" | "failed" | "cancelled" {
  if (failedAt !== undefined) return "failed";
  return steps.some(({ state }) => state === "cancelled") ? "cancelled" : "done";
}

function whyNotDone({ runId }: Run, { steps, failedAt }: PlanProgress): OrchestratorError {
  const at = steps.find(({ id, state }) =>
    failedAt === undefined ? state === "cancelled" : id === failedAt,
  );
  const { error } = at ?? {};
  if (!error || !at) return new OrchestratorError("internal", "The plan ended without a reason.", { runId });
  const action = `${error.action} Then resume the plan with {"resume":"${runId}"}.`;
  return OrchestratorError.fromBody({ ...error, message: `Step ${at.id}: ${error.message}`, action }).with({
    runId,
  });
}

/** The plan's `output`, or the value of its last step. */
async function outputOf(parts: EngineParts, run: Run, warnings: string[]): Promise<Json | undefined> {
  const { output } = await readPlan(parts, run.runId);
  const { steps } = run.plan as PlanProgress;
  if (output === undefined) return (await stepResult(parts, run.runId, steps.length - 1))?.value;
  const results = await Promise.all(steps.map((_, index) => stepResult(parts, run.runId, index)));
  const found = Object.fromEntries(
    steps.map(({ id }, index) => [id, results[index] ?? null]),
  ) as unknown as Json;
  const { inputs } = await readPlan(parts, run.runId);
  try {
    return resolve(output as Json, { steps: found, inputs: inputs as Json });
  } catch (error) {
    warnings.push(`output: ${OrchestratorError.from(error).message}`);
    return undefined;
  }
}

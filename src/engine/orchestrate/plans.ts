import { OrchestratorError } from "../../core/errors.ts";
import { canonicalJson, type Json } from "../../core/json.ts";
import type { Plan } from "../../core/plan.ts";
import type { PlanProgress } from "../../core/plan-state.ts";
import type { OrchestrateInput } from "../../core/requests.ts";
import type { OpenRun } from "../open-run.ts";
import type { EngineParts } from "../parts.ts";

const STEPS_AT_ONCE = 16;

const planKey = (runId: string) => `plan/${runId}`;

/** The plan that a call hands in. */
export function planOf({ steps = [], inputs = {}, output, concurrency, budget }: OrchestrateInput): Plan {
  return {
    ...{ steps, inputs },
    ...(output !== undefined && { output }),
    concurrency: concurrency ?? STEPS_AT_ONCE,
    ...(budget && { budget }),
  };
}

/** Stores a plan beside its run, for whoever goes on with it. */
export async function keepPlan({ store }: EngineParts, open: OpenRun, plan: Plan): Promise<void> {
  const expiresAt = open.run.deadlineAt + open.keepMs;
  await store.put(planKey(open.run.runId), JSON.stringify(plan), { expiresAt });
}

export async function readPlan({ store }: EngineParts, runId: string): Promise<Plan> {
  const entry = await store.get(planKey(runId));
  if (entry) return JSON.parse(entry.value) as Plan;
  throw new OrchestratorError(
    "interrupted",
    `The plan of run ${runId} was not stored before its process died.`,
    {
      runId,
      delivery: "not_sent",
      action: "Nothing was sent: start the plan anew.",
    },
  );
}

/**
 * The plan with what a call that resumes it says anew.
 *
 * @throws OrchestratorError `conflict` for another definition of a step that is done.
 */
export function withSteps(before: Plan, input: OrchestrateInput, progress: PlanProgress): Plan {
  const given = planOf({ ...input, steps: input.steps ?? before.steps });
  const plan: Plan = {
    ...before,
    ...given,
    inputs: { ...before.inputs, ...input.inputs },
    concurrency: input.concurrency ?? before.concurrency,
  };
  for (const { id, state } of progress.steps) {
    if (state !== "done") continue;
    const [old, now] = [before, plan].map(({ steps }) => steps.find((step) => step.id === id));
    if (now && canonicalJson(now as unknown as Json) === canonicalJson(old as unknown as Json)) continue;
    throw new OrchestratorError("conflict", `resume: step ${id} is done, and these steps have another one.`, {
      action: "Give done steps as they were, or leave steps out; a new plan may do it anew.",
      delivery: "not_sent",
    });
  }
  return plan;
}

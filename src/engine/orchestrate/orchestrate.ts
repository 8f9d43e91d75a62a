import type { DryRunAnswer } from "../../core/answers.ts";
import type { CallContext } from "../../core/context.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { instanceId } from "../../core/instance.ts";
import { canonicalJson, type Json } from "../../core/json.ts";
import type { Plan } from "../../core/plan.ts";
import type { OrchestrateAnswer } from "../../core/plan-answers.ts";
import type { PlanProgress, StepProgress } from "../../core/plan-state.ts";
import type { OrchestrateInput } from "../../core/requests.ts";
import { defaultTargets } from "../choose.ts";
import type { OpenRun } from "../open-run.ts";
import type { EngineParts } from "../parts.ts";
import { perform, performOpen } from "../perform.ts";
import { checkVisible } from "../visibility.ts";
import { planError, problemsOf } from "./check.ts";
import { execute } from "./execute.ts";
import { PlanRun } from "./plan-run.ts";
import { keepPlan, planOf, readPlan, withSteps } from "./plans.ts";
import { planAnswer } from "./views.ts";

/**
 * Works on a plan over the fleet, or goes on with one that failed.
 *
 * @throws OrchestratorError `bad_request` with all that is wrong with the plan; `conflict` for one that
 * cannot be resumed.
 */
export async function orchestrate(
  parts: EngineParts,
  input: OrchestrateInput,
  context: CallContext,
): Promise<OrchestrateAnswer | DryRunAnswer> {
  if (input.resume !== undefined) return resume(parts, input.resume, input, context);
  const plan = planOf(input);
  const origins = await checked(parts, plan);
  if (input.dryRun) return dryRun(plan);
  const { timeoutMs, waitMs } = times(parts, input);
  const { steps, inputs, output = null } = plan;
  const performed = await perform(
    parts,
    {
      input,
      facts: {
        caller: context.createdBy,
        operation: "orchestrate",
        work: { steps, inputs, output } as unknown as Json,
      },
      ...{ timeoutMs, waitMs },
      prepare: async () => ({
        run: {
          operation: "orchestrate",
          deadlineAt: parts.clock.now() + timeoutMs,
          createdBy: context.createdBy,
          explanation: { order: plan.steps.map(({ id }) => id), excluded: [] },
          outcomes: [],
          plan: freshProgress(plan, origins),
        },
        work: async (open) => {
          await keepPlan(parts, open, plan);
          await open.stored();
          await goOn(parts, open, plan, context);
        },
      }),
    },
    context,
  );
  return planAnswer(parts, performed);
}

/** Works on a plan that another process left, to its end. */
export async function recoverPlan(parts: EngineParts, open: OpenRun): Promise<void> {
  const plan = await readPlan(parts, open.run.runId);
  await goOn(parts, open, plan, { createdBy: open.run.createdBy });
}

async function goOn(parts: EngineParts, open: OpenRun, plan: Plan, context: CallContext): Promise<void> {
  await execute(new PlanRun(parts, open, plan, context));
}

/** Goes on with a plan from the step that failed, with other steps in place of those that were not done. */
async function resume(
  parts: EngineParts,
  runId: string,
  input: OrchestrateInput,
  context: CallContext,
): Promise<OrchestrateAnswer | DryRunAnswer> {
  await checkVisible(parts, runId, context);
  const run = await parts.journal.read(runId);
  if (run.operation !== "orchestrate" || !run.plan) throw notResumable(runId, "it is no plan");
  if (run.endedAt === undefined) throw notResumable(runId, "it has not ended yet");
  if (run.plan.steps.every(({ state, error }) => state === "done" || (state === "skipped" && !error)))
    throw notResumable(runId, "all of it is done");
  const before = await readPlan(parts, runId);
  const plan = withSteps(before, input, run.plan);
  const origins = await checked(parts, plan);
  if (input.dryRun) return dryRun(plan);
  const { timeoutMs, waitMs } = times(parts, input);
  const change = {
    deadlineAt: parts.clock.now() + timeoutMs,
    plan: resumedProgress({ before, plan }, run.plan, origins),
  };
  const again = await parts.live.reopen(runId, change, context, async (open) => {
    await keepPlan(parts, open, plan);
    await goOn(parts, open, plan, context);
  });
  if (!again) throw notResumable(runId, "another process was first");
  return planAnswer(parts, await performOpen(parts, again, { waitMs, timeoutMs }, context));
}

function notResumable(runId: string, why: string): OrchestratorError {
  return new OrchestratorError("conflict", `resume: run ${runId} cannot be resumed: ${why}.`, {
    runId,
    action: "Read it with runs_get.",
    delivery: "not_sent",
  });
}

/** `name@origin` of everyone that the plan names. */
async function checked(parts: EngineParts, plan: Plan): Promise<string[]> {
  const origins = new Set<string>();
  const problems = await problemsOf(plan, async (selector, field) => {
    const picked = await parts.fleet.selectKnown(selector ?? defaultTargets(field, parts.settings()));
    for (const instance of picked) origins.add(instanceId(instance));
    return picked.map(({ name }) => name);
  });
  if (problems.length > 0) throw planError(problems);
  return [...origins];
}

function times(parts: EngineParts, { timeout, wait }: OrchestrateInput) {
  const settings = parts.settings();
  return { timeoutMs: timeout ?? settings.timeoutMs, waitMs: wait ?? settings.waitMs };
}

function freshProgress(plan: Plan, origins: string[]): PlanProgress {
  return {
    steps: plan.steps.map(({ id }) => waiting(id)),
    calls: 0,
    origins,
  };
}

function waiting(id: string): StepProgress {
  return { id, state: "waiting", edition: 0, generations: {}, runIds: [] };
}

/** What was done stays done; the keys of the calls that failed change, and what was not begun waits again. */
function resumedProgress(
  plans: { before: Plan; plan: Plan },
  progress: PlanProgress,
  origins: string[],
): PlanProgress {
  const { failedAt: _, ...rest } = progress;
  return {
    ...rest,
    origins,
    steps: plans.plan.steps.map(({ id }) => {
      const known = progress.steps.find((step) => step.id === id);
      if (!known) return waiting(id);
      if (known.state === "done" || (known.state === "skipped" && !known.error)) return known;
      const { edition, generations, runIds } = known;
      if (!isSame(id, plans)) return { ...waiting(id), edition: edition + 1, runIds };
      const anew = known.items?.failed ?? (known.startedAt === undefined ? [] : [0]);
      const changed = anew.map((index) => [index, (generations[index] ?? 0) + 1]);
      return {
        ...waiting(id),
        edition,
        generations: { ...generations, ...Object.fromEntries(changed) },
        runIds,
      };
    }),
  };
}

/** Whether a step would be given what it was given before. */
function isSame(id: string, { before, plan }: { before: Plan; plan: Plan }): boolean {
  const [old, now] = [before, plan].map(({ steps, inputs }) =>
    canonicalJson([steps.find((step) => step.id === id) ?? null, inputs] as unknown as Json),
  );
  return old === now;
}

function dryRun({ steps }: Plan): DryRunAnswer {
  return {
    dryRun: true,
    operation: "orchestrate",
    explanation: {
      order: steps.map(({ id }) => id),
      excluded: [],
      notes: steps.map(
        ({ id, needs }) => `${id}: ${needs.length === 0 ? "at once" : `after ${needs.join(", ")}`}`,
      ),
    },
  };
}

import { OrchestratorError } from "../../core/errors.ts";
import type { Step } from "../../core/plan.ts";
import type { PlanRun } from "./plan-run.ts";
import { doStep } from "./steps.ts";

/**
 * Works on a plan until nothing more of it can be done: independent steps at once, each when those that
 * it needs have ended. When one fails the plan, those under way are let finish, and no other is begun.
 */
export async function execute(run: PlanRun): Promise<void> {
  await run.load();
  const fallbacks = new Set(run.plan.steps.flatMap(fallbackOf));
  const underWay = new Map<string, Promise<void>>();
  let goesOn = run.progress.failedAt === undefined;
  const isReady = (step: Step): boolean =>
    run.step(step.id).endedAt === undefined &&
    !underWay.has(step.id) &&
    !fallbacks.has(step.id) &&
    step.needs.every((need) => run.step(need).endedAt !== undefined);

  const begin = (step: Step) => {
    const done = doStep(run, step).then((mayGoOn) => {
      underWay.delete(step.id);
      goesOn &&= mayGoOn;
    });
    underWay.set(step.id, done);
  };

  for (;;) {
    const room = run.plan.concurrency - underWay.size;
    if (goesOn && !run.cancellation.error) run.plan.steps.filter(isReady).slice(0, room).forEach(begin);
    if (underWay.size === 0) break;
    await Promise.race(underWay.values());
  }
  if (!run.open.lost) closeRest(run, fallbacks);
}

function fallbackOf({ onError }: Step): string[] {
  return typeof onError === "object" && "fallback" in onError ? [onError.fallback] : [];
}

/** Steps that were not begun end with the plan: the fallbacks that were not needed, and what came after a failure. */
function closeRest(run: PlanRun, fallbacks: ReadonlySet<string>): void {
  const { failedAt } = run.progress;
  const cancelled = run.cancellation.error;
  for (const progress of run.progress.steps) {
    if (progress.endedAt !== undefined) continue;
    progress.endedAt = run.parts.clock.now();
    progress.state = cancelled ? "cancelled" : "skipped";
    const why = cancelled?.message ?? (failedAt === undefined ? undefined : `Step ${failedAt} failed.`);
    if (why === undefined || (fallbacks.has(progress.id) && !cancelled)) continue;
    progress.error = new OrchestratorError("cancelled", `Not begun: ${why}`, {
      delivery: "not_sent",
    }).toBody();
  }
  run.open.touch();
}

import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { OnError, Step } from "../../core/plan.ts";
import { mapLimited } from "../../policy/limiter.ts";
import { makeStepCall } from "./calls.ts";
import { holds } from "./conditions.ts";
import type { PlanRun, StepResult } from "./plan-run.ts";
import { resolve } from "./references.ts";

const ITEMS_AT_ONCE = 8;

/** Does a step to its end, its fallback included; whether the plan may go on. */
export async function doStep(run: PlanRun, step: Step): Promise<boolean> {
  const progress = run.step(step.id);
  const { clock } = run.parts;
  progress.state = "running";
  progress.startedAt ??= clock.now();
  run.open.touch();
  // A process that was stopped, and wakes, sees by this write that the plan is another's now.
  await run.open.tell(run.open.stored());
  if (run.open.lost) return false;
  const ended = await attempt(run, step);
  // Left to another process: that one says how the step ends.
  if (run.open.lost) return false;
  await run.keep(step.id, ended.result);
  progress.state = ended.state;
  progress.endedAt = clock.now();
  if (ended.error) progress.error = ended.error.toBody();
  if (ended.state === "failed" && !ended.goesOn) run.progress.failedAt ??= step.id;
  run.stepEnded(step.id);
  return ended.goesOn;
}

interface Ended {
  state: "done" | "failed" | "skipped" | "cancelled";
  result: StepResult;
  error?: OrchestratorError;
  goesOn: boolean;
}

const SKIPPED: StepResult = { value: null, reply: "skipped" };

async function attempt(run: PlanRun, step: Step): Promise<Ended> {
  try {
    if (step.when !== undefined && !holds(step.when, run.scope()))
      return { state: "skipped", result: SKIPPED, goesOn: true };
    const result =
      step.forEach === undefined ? await once(run, step) : await forEach(run, step, step.forEach);
    return { state: "done", result, goesOn: true };
  } catch (thrown) {
    return failed(run, step, OrchestratorError.from(thrown));
  }
}

function once(run: PlanRun, step: Step): Promise<StepResult> {
  return makeStepCall({ run, step, index: 0, cancellation: run.cancellation });
}

/** The step for each item; an item that fails fails the step once the others have ended, unless it may. */
async function forEach(run: PlanRun, step: Step, list: Json): Promise<StepResult> {
  const items = resolve(list, run.scope());
  if (!Array.isArray(items)) {
    throw new OrchestratorError(
      "bad_request",
      `steps.${step.id}.forEach: ${JSON.stringify(list)} is no list.`,
      {
        delivery: "not_sent",
      },
    );
  }
  const progress = run.step(step.id);
  const counts = { total: items.length, ended: 0, failed: [] as number[] };
  progress.items = counts;
  let first: OrchestratorError | undefined;
  const outcomes = await mapLimited(items, step.concurrency ?? ITEMS_AT_ONCE, async (item, index) => {
    try {
      if (first && step.onError === "fail") throw notBegun(step, first);
      return await makeStepCall({ run, step, index, item: { item, index }, cancellation: run.cancellation });
    } catch (thrown) {
      const error = OrchestratorError.from(thrown);
      first ??= error;
      counts.failed.push(index);
      return {
        reply: "failed",
        value: replacement(run, step.onError),
        error: error.toBody() as unknown as Json,
      } as const;
    } finally {
      counts.ended += 1;
      run.open.touch();
    }
  });
  // With items that were done, the step as a whole was sent.
  if (first && !mayFail(step.onError))
    throw counts.failed.length < items.length ? first.with({ delivery: "accepted" }) : first;
  return { reply: "done", value: outcomes.map(({ value }) => value), outcomes: outcomes as unknown as Json };
}

function notBegun({ id }: Step, { message }: OrchestratorError): OrchestratorError {
  return new OrchestratorError("cancelled", `Not begun: another item of ${id} failed: ${message}`, {
    delivery: "not_sent",
  });
}

/** Each item by itself may fail where the step may, or a value stands for its own. */
function mayFail(onError: OnError): boolean {
  return onError === "continue" || (typeof onError === "object" && "use" in onError);
}

function replacement(run: PlanRun, onError: OnError): Json {
  return typeof onError === "object" && "use" in onError ? resolve(onError.use, run.scope()) : null;
}

async function failed(run: PlanRun, step: Step, error: OrchestratorError): Promise<Ended> {
  const { onError } = step;
  const body = error.toBody() as unknown as Json;
  if (run.cancellation.error) {
    const state = error.code === "cancelled" || error.code === "timeout" ? "cancelled" : "failed";
    return { state, result: { value: null, reply: "failed", error: body }, error, goesOn: false };
  }
  if (typeof onError === "object" && "fallback" in onError)
    return fallBack(run, step, onError.fallback, error);
  try {
    const result: StepResult = { value: replacement(run, onError), reply: "failed", error: body };
    return { state: "failed", result, error, goesOn: mayFail(onError) };
  } catch (thrown) {
    const result: StepResult = { value: null, reply: "failed", error: body };
    return { state: "failed", result, error: OrchestratorError.from(thrown), goesOn: false };
  }
}

/** Another step stands in for one that failed, and sees why it did. */
async function fallBack(run: PlanRun, step: Step, id: string, error: OrchestratorError): Promise<Ended> {
  run.see(step.id, { value: null, reply: "failed", error: error.toBody() as unknown as Json });
  const other = run.plan.steps.find((each) => each.id === id) as Step;
  run.step(step.id).fellBackTo = id;
  const progress = run.step(id);
  const goesOn = progress.endedAt === undefined ? await doStep(run, other) : progress.state !== "failed";
  const result = run.resultOf(id);
  if (!goesOn || !result) {
    return { state: "failed", result: { value: null, reply: "failed" }, error, goesOn: false };
  }
  return { state: "done", result, error, goesOn: true };
}

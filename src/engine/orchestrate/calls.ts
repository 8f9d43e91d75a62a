import type { FanoutAnswer, OutcomeView } from "../../core/answers.ts";
import { collectedEntries } from "../../core/collected.ts";
import { strongerDelivery } from "../../core/delivery.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import { kindOf, type Step } from "../../core/plan.ts";
import { delegateInput, fanoutInput } from "../../core/requests.ts";
import { validate } from "../../core/validate.ts";
import { defaultTargets } from "../choose.ts";
import { delegate } from "../delegate.ts";
import { fanout } from "../fanout.ts";
import { wholeRun } from "../run-waiting.ts";
import { outcomeView } from "../views.ts";
import { aggregateCall, aggregateResult, combined } from "./aggregate-calls.ts";
import type { StepResult } from "./plan-run.ts";
import { resolve } from "./references.ts";
import { sessionCall } from "./session-calls.ts";
import {
  beginAnew,
  decided,
  isUnsent,
  keyOf,
  makeUntilSent,
  type StepCall,
  unfinished,
  unlessLeaving,
} from "./step-call.ts";

/**
 * Makes a call of a step, or follows the one that was made before under the same key.
 *
 * @throws OrchestratorError why it failed.
 */
export async function makeStepCall(call: StepCall): Promise<StepResult> {
  await unlessLeaving(call.run);
  if (call.run.open.lost) throw call.run.open.lost;
  try {
    return await callOf(call);
  } finally {
    await call.run.count(call.step.id, call.index);
    // What came back may only say that this process waits no longer.
    await unlessLeaving(call.run);
  }
}

function callOf(call: StepCall): Promise<StepResult> {
  const { run, step, item } = call;
  const kind = kindOf(step);
  const fields = resolve(step[kind] as Json, run.scope(item)) as Record<string, Json>;
  if (kind === "delegate") return delegateCall(call, fields);
  if (kind === "fanout") return fanoutCall(call, fields);
  if (kind === "session") return sessionCall(call, fields);
  return aggregateCall(call, fields);
}

async function delegateCall(call: StepCall, fields: Record<string, Json>): Promise<StepResult> {
  const { run, step, index, cancellation } = call;
  const answer = await makeUntilSent(call, () => {
    const input = { ...fields, ...decided(call), ...retriesOf(step), idempotencyKey: keyOf(call) };
    const context = run.contextOf(step.id, index, cancellation);
    return delegate(run.parts, validate(delegateInput, input), context);
  });
  if (!("runId" in answer) || answer.reply !== "done") throw unfinished(step);
  return {
    reply: "done",
    value: answer.result ?? null,
    ...(answer.instance && { instance: answer.instance }),
  };
}

function retriesOf({ retries }: Step): { retries?: number } {
  return retries === undefined ? {} : { retries };
}

/**
 * A fan-out that was cut off has targets that nothing was sent to: they alone are asked then, and their
 * outcomes are put beside those there are.
 */
async function fanoutCall(call: StepCall, fields: Record<string, Json>): Promise<StepResult> {
  const { run, step, index, cancellation } = call;
  const progress = run.step(step.id);
  const before = await outcomesBefore(call);
  for (;;) {
    const left = [...before.values()].filter(({ error }) => isUnsent(error)).map(({ instance }) => instance);
    const targets = before.size > 0 ? { targets: left } : {};
    const input = validate(fanoutInput, {
      ...fields,
      ...targets,
      ...decided(call),
      ...retriesOf(step),
      idempotencyKey: keyOf(call),
    });
    const spent = run.spend(
      (await run.parts.fleet.selectKnown(input.targets ?? defaultTargets("targets", run.parts.settings())))
        .length,
    );
    try {
      const context = run.contextOf(step.id, index, cancellation);
      const answer = (await fanout(run.parts, input, context)) as FanoutAnswer;
      for (const outcome of answer.outcomes) before.set(outcome.instance, outcome);
      const isCutOff = answer.outcomes.some(({ error }) => isUnsent(error)) && !cancellation.error;
      if (!isCutOff) return await fanoutResult(call, answer, [...before.values()], input.aggregate);
      progress.cutOff ??= {};
      progress.cutOff[index] = [...(progress.cutOff[index] ?? []), answer.runId];
      await beginAnew(call);
    } finally {
      spent();
    }
  }
}

async function outcomesBefore({ run, step, index }: StepCall): Promise<Map<string, OutcomeView>> {
  const outcomes = new Map<string, OutcomeView>();
  for (const runId of run.step(step.id).cutOff?.[index] ?? []) {
    for (const outcome of (await wholeRun(run.parts, runId)).outcomes)
      outcomes.set(outcome.instance, outcomeView(outcome));
  }
  return outcomes;
}

async function fanoutResult(
  call: StepCall,
  answer: FanoutAnswer,
  outcomes: OutcomeView[],
  spec: unknown,
): Promise<StepResult> {
  const done = outcomes.filter(({ reply }) => reply === "done");
  if (done.length === 0) throw nobodyDone(answer.runId, outcomes);
  if (answer.aggregateError && outcomes.length === answer.outcomes.length)
    throw OrchestratorError.fromBody(answer.aggregateError).with({ runId: answer.runId });
  const entries = collectedEntries(outcomes) as unknown as Json;
  if (!spec || spec === true) return { reply: "done", value: entries, outcomes: entries };
  const whole =
    answer.aggregate && outcomes.length === answer.outcomes.length
      ? answer.aggregate
      : await combined(call, {
          ...(isObject(spec) ? spec : {}),
          responses: done.map(({ instance, result = null }) => ({ instance, result })),
        });
  return { ...aggregateResult(call, whole), outcomes: entries };
}

/** Why nobody has done it, in the words of the one that got furthest: it may have been begun there. */
function nobodyDone(runId: string, outcomes: readonly OutcomeView[]): OrchestratorError {
  const delivery = outcomes.map((outcome) => outcome.delivery).reduce(strongerDelivery, "not_sent");
  const error = (outcomes.find((outcome) => outcome.delivery === delivery && outcome.error) ?? outcomes[0])
    ?.error;
  if (!error) return new OrchestratorError("internal", "No target has answered.", { runId, delivery });
  return OrchestratorError.fromBody(error).with({ runId, delivery });
}

import { aggregateInput } from "../../core/aggregate-requests.ts";
import { asks } from "../../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../../core/answers.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import { validate } from "../../core/validate.ts";
import { aggregate } from "../aggregate.ts";
import type { StepResult } from "./plan-run.ts";
import { decided, keyOf, makeUntilSent, type StepCall, unfinished } from "./step-call.ts";

/** Answers of earlier steps, or those that are given, made one. */
export async function aggregateCall(
  call: StepCall,
  { from, ...fields }: Record<string, Json>,
): Promise<StepResult> {
  const { run } = call;
  const responses = Array.isArray(from)
    ? from.flatMap((id) => responsesOf(String(id), run.resultOf(String(id))))
    : undefined;
  if (responses?.length === 0) {
    throw new OrchestratorError("aggregate_failed", "None of the steps in from has an answer.", {
      delivery: "not_sent",
      action: "Read the steps with runs_get.",
    });
  }
  return aggregateResult(call, await combined(call, { ...fields, ...(responses && { responses }) }));
}

/** What answers come to; where an instance has to be asked for it, that is a task of the step. */
export async function combined(call: StepCall, fields: Record<string, Json>): Promise<AggregateAnswer> {
  const { run, step, index, cancellation } = call;
  const context = run.contextOf(step.id, index, cancellation);
  const input = validate(aggregateInput, fields);
  if (!asks(input.strategy)) return aggregate(run.parts, input, context);
  const answer = await makeUntilSent(call, () => {
    const asking = validate(aggregateInput, { ...fields, ...decided(call), idempotencyKey: keyOf(call) });
    return aggregate(run.parts, asking, context);
  });
  if (answer.by) context.onRun?.(answer.by.runId);
  return answer;
}

/** @throws OrchestratorError `timeout` where the one who was asked has not answered yet. */
export function aggregateResult({ step }: StepCall, answer: AggregateAnswer): StepResult {
  if (answer.pending) throw unfinished(step);
  const { value, sources, missing, dissent, verdict } = answer;
  return {
    ...{ reply: "done", value, sources },
    missing: missing as unknown as Json,
    ...(dissent && { dissent: dissent as unknown as Json }),
    ...(verdict && { verdict: verdict as unknown as Json }),
  };
}

/** A step's answers by whom they are; what has no instance goes by the step's name. */
function responsesOf(id: string, result: StepResult | undefined): { instance: string; result: Json }[] {
  const { value, reply, instance = id, outcomes } = result ?? { value: null, reply: "skipped" };
  if (!Array.isArray(outcomes)) return reply === "done" ? [{ instance, result: value }] : [];
  return outcomes.flatMap((outcome) =>
    isObject(outcome) && outcome.reply === "done"
      ? [{ instance: String(outcome.instance ?? id), result: outcome.result ?? outcome.value ?? null }]
      : [],
  );
}

import { aggregate as combine } from "../core/aggregation/aggregate.ts";
import type { AggregateOptions, AggregationStrategy, InstanceResult } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer, MissingInstance } from "../core/answers.ts";
import type { Viewer } from "../core/context.ts";
import type { AggregateInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { EngineParts } from "./parts.ts";
import { wholeRun } from "./run-waiting.ts";
import { checkVisible } from "./visibility.ts";

interface Spec extends AggregateOptions {
  strategy: AggregationStrategy;
}

/** Makes one answer of a stored run's replies, or of replies handed in. Nothing is sent. */
export async function aggregate(
  parts: EngineParts,
  input: AggregateInput,
  viewer: Viewer,
): Promise<AggregateAnswer> {
  if (input.runId !== undefined) {
    await checkVisible(parts, input.runId, viewer);
    const run = await wholeRun(parts, input.runId);
    return { ...aggregateRun(run, input), runId: input.runId };
  }
  return answer(input, input.responses ?? [], []);
}

/** @throws OrchestratorError `aggregate_failed` when nobody has replied. */
export function aggregateRun(run: Run, spec: Spec): AggregateAnswer {
  const results: InstanceResult[] = [];
  const missing: MissingInstance[] = [];
  for (const { instance, delivery, reply, result, error } of run.outcomes) {
    // A result that is done but could not be stored is missing, not null.
    if (reply === "done" && result !== undefined) results.push({ instance, result });
    else missing.push({ instance, delivery, reply, ...(error && { error }) });
  }
  return answer(spec, results, missing);
}

function answer(spec: Spec, results: readonly InstanceResult[], missing: MissingInstance[]): AggregateAnswer {
  return {
    strategy: spec.strategy,
    ...combine(spec.strategy, results, spec),
    missing,
    complete: missing.length === 0,
  };
}

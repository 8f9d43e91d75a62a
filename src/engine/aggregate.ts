import { asks } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import type { AggregateInput } from "../core/requests.ts";
import { ask } from "./aggregate-ask.ts";
import { Fold } from "./aggregate-fold.ts";
import { quorumNotMet } from "./min-success.ts";
import type { EngineParts } from "./parts.ts";
import { bareRun } from "./run-waiting.ts";
import { checkVisible } from "./visibility.ts";

/**
 * Makes one answer of the replies of stored runs, or of replies handed in. Nothing is sent, but what
 * `reduce` and `judge` ask.
 *
 * @throws OrchestratorError `aggregate_failed` when nobody has replied, or the strategy can make nothing
 * of the replies; `quorum_not_met`; `run_not_found`; and what asking an instance throws.
 */
export async function aggregate(
  parts: EngineParts,
  input: AggregateInput,
  context: Partial<CallContext>,
): Promise<AggregateAnswer> {
  const { runId, runIds, minSuccess = 0, strategy } = input;
  const fold = await folded(parts, input, context);
  const of = { ...(runId !== undefined && { runId }), ...(runIds !== undefined && { runIds }) };
  if (fold.size < minSuccess) {
    const there = fold.size > 0 ? { aggregate: { ...fold.result(), ...of } } : {};
    throw quorumNotMet(minSuccess, fold.size, there, runId);
  }
  const answer = fold.result();
  if (!asks(strategy)) return { ...answer, ...of };
  const settings = parts.settings();
  const asking = {
    context: { createdBy: "aggregate", ...context },
    waitMs: input.wait ?? settings.waitMs,
    timeoutMs: input.timeout ?? settings.timeoutMs,
    ...(input.idempotencyKey !== undefined && { idempotencyKey: `aggregate:${input.idempotencyKey}` }),
  };
  return { ...(await ask(parts, input, answer, asking)), ...of };
}

async function folded(
  parts: EngineParts,
  input: AggregateInput,
  context: Partial<CallContext>,
): Promise<Fold> {
  const { runId, runIds, responses = [], ...spec } = input;
  const fold = new Fold(spec);
  responses.forEach((response, place) => {
    fold.add(place, response);
  });
  let places = 0;
  for (const id of runIds ?? [runId].flatMap((each) => each ?? [])) {
    await checkVisible(parts, id, context);
    const run = await bareRun(parts, id);
    await fold.addRun(parts.journal, run, places, runIds && { runId: id });
    places += run.outcomes.length;
  }
  return fold;
}

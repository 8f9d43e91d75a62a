import { asks } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer, FanoutAnswer, OutcomeView } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { type ErrorBody, OrchestratorError } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import type { FanoutInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import { ask } from "./aggregate-ask.ts";
import { Fold } from "./aggregate-fold.ts";
import { quorumNotMet } from "./min-success.ts";
import type { EngineParts } from "./parts.ts";
import type { Performed } from "./perform.ts";
import { survivesExit } from "./survival.ts";
import { countOutcomes, outcomeView, usageOf } from "./views.ts";

/** A fan-out that has been waited for. */
export interface FannedOut {
  performed: Performed;
  input: Pick<
    FanoutInput,
    "detail" | "minSuccess" | "minReplies" | "payload" | "payloads" | "idempotencyKey"
  >;
  context: CallContext;
  /** Has the answers of a run that was worked on here. */
  fold: Fold | undefined;
  /** Until when the call may stay open, on the monotonic clock. */
  openUntil: number;
}

type Combined = { aggregate: AggregateAnswer } | { aggregateError: ErrorBody };

/** @throws OrchestratorError `quorum_not_met`, with what there is. */
export async function fanoutAnswer(parts: EngineParts, fanned: FannedOut): Promise<FanoutAnswer> {
  const { performed, input } = fanned;
  const { run, combined } = await taken(parts, fanned);
  const counts = countOutcomes(run.outcomes);
  const { over, warnings } = performed;
  const outcomes =
    input.detail === "brief" ? await briefViews(parts, performed, run) : run.outcomes.map(outcomeView);
  const { minSuccess = 0 } = input;
  if (counts.done + counts.pending < minSuccess) {
    const isMade = combined && "aggregate" in combined && !asks(combined.aggregate.strategy);
    throw quorumNotMet(minSuccess, counts.done, { counts, outcomes, ...(isMade && combined) }, run.runId);
  }
  const aggregated = combined && (await concluded(parts, fanned, run, combined));
  return {
    runId: run.runId,
    complete: counts.pending === 0,
    timedOut: !over || (run.endedAt ?? 0) >= run.deadlineAt,
    counts,
    outcomes,
    ...aggregated,
    ...usageOf(run),
    ...(counts.pending > 0 && { survivesExit: survivesExit(parts, run) }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

/** The run as it is told of, and what its answers come to at that very moment. */
async function taken(
  { journal }: EngineParts,
  { performed: { open, run }, fold }: FannedOut,
): Promise<{ run: Run; combined?: Combined | undefined }> {
  if (!fold) return { run };
  if (open) {
    const known = open.run.endedAt === undefined ? open.known() : open.run;
    const combined = attempted(() => fold.result(open.run.outcomes));
    return { run: await known, combined };
  }
  const again = new Fold(fold.spec);
  await again.addRun(journal, run);
  return { run, combined: attempted(() => again.result()) };
}

function attempted(make: () => AggregateAnswer): Combined {
  try {
    return { aggregate: make() };
  } catch (error) {
    return failed(error);
  }
}

/** The answers there are must not be lost because they cannot be made one. */
function failed(error: unknown): Combined {
  return { aggregateError: OrchestratorError.from(error).toBody() };
}

/** Has an instance reduce or judge the answers where that is the strategy, unless more are awaited. */
async function concluded(
  parts: EngineParts,
  { input, context, fold, openUntil, performed }: FannedOut,
  run: Run,
  combined: Combined,
): Promise<Combined> {
  if (!fold || "aggregateError" in combined || !asks(fold.spec.strategy)) return combined;
  const { spec } = fold;
  const { done, pending } = countOutcomes(run.outcomes);
  if (pending > 0 && !performed.over && done < (input.minReplies ?? run.outcomes.length))
    return failed(tooEarly(spec.strategy, pending, run.runId));
  const { aggregate } = combined;
  const key = canonicalJson([input.idempotencyKey ?? null, run.runId, spec.strategy, aggregate.sources]);
  try {
    const asked = await ask(parts, spec, aggregate, {
      context,
      question: input.payload,
      ...(input.payloads && { questions: input.payloads }),
      waitMs: Math.max(0, openUntil - parts.clock.monotonic()),
      timeoutMs: Math.max(1, run.deadlineAt - parts.clock.now()),
      // The call again is answered with the same run, and so with the same answer to that.
      ...(input.idempotencyKey !== undefined && { idempotencyKey: `aggregate:${parts.ids.hash(key)}` }),
    });
    return { aggregate: asked };
  } catch (error) {
    return failed(error);
  }
}

function tooEarly(strategy: string, pending: number, runId: string): OrchestratorError {
  return new OrchestratorError(
    "aggregate_failed",
    `Nobody was asked to ${strategy}: ${pending} of the answers are still to come.`,
    { runId, action: "Wait for the run with runs_get, then aggregate it." },
  );
}

/** Outcomes with the lengths of their results; one that could not be stored is nowhere else, and so is told. */
function briefViews(parts: EngineParts, { open }: Performed, run: Run): Promise<OutcomeView[]> {
  return Promise.all(
    run.outcomes.map(async (outcome, index) => {
      const whole = outcomeView(outcome);
      if (outcome.reply !== "done") return whole;
      const { result: _, ...view } = whole;
      const resultChars =
        outcome.resultChars ??
        open?.run.outcomes[index]?.resultChars ??
        (await parts.journal.resultText(run.runId, index))?.length;
      return resultChars === undefined ? whole : { ...view, resultChars };
    }),
  );
}

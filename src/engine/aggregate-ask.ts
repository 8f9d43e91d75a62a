import { noAnswer } from "../core/aggregation/aggregate.ts";
import { judgePayload, readVerdict } from "../core/aggregation/judge.ts";
import type { Question } from "../core/aggregation/question.ts";
import { reducePayload } from "../core/aggregation/reduce.ts";
import type { InstanceResult } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer, DelegateAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Selector } from "../core/selector.ts";
import type { AggregateSpec } from "./aggregate-fold.ts";
import { delegate } from "./delegate.ts";
import type { EngineParts } from "./parts.ts";

/** How an instance is asked to make one answer of many. Times are milliseconds. */
export interface Asking extends Question {
  context: CallContext;
  waitMs: number;
  timeoutMs: number;
  /** The same key again is answered with the same work. */
  idempotencyKey?: string | undefined;
}

/**
 * Has the `instance` of a spec reduce or judge the answers that `collected` has as its value: a delegate
 * of its own, whose run `by` names. When its wait is over first the answer is `pending`, and the number of
 * an answer in what a judge will say is its place in `sources`. A judge is not asked about a single answer.
 *
 * @throws OrchestratorError what the delegate throws, and `aggregate_failed` for a judge that names none.
 */
export async function ask(
  parts: EngineParts,
  spec: AggregateSpec,
  collected: AggregateAnswer,
  asking: Asking,
): Promise<AggregateAnswer> {
  const answers = collected.value as unknown as InstanceResult[];
  const [first] = answers;
  if (!first) throw noAnswer(spec.strategy);
  const { instruction = "" } = spec;
  if (spec.strategy === "reduce") {
    const asked = await send(parts, spec, reducePayload(instruction, answers, asking), asking);
    return { ...collected, ...told(asked), value: asked.result ?? null };
  }
  if (answers.length === 1)
    return { ...collected, ...picked(answers, { choice: 1, reason: "It is the only answer." }) };
  const asked = await send(parts, spec, judgePayload(spec.instruction, answers, asking), asking);
  if (asked.reply === "pending") return { ...collected, ...told(asked), value: null };
  try {
    return {
      ...collected,
      ...told(asked),
      ...picked(answers, readVerdict(asked.result ?? null, answers.length)),
    };
  } catch (thrown) {
    throw OrchestratorError.from(thrown).with({ runId: asked.runId, instance: asked.instance });
  }
}

async function send(
  parts: EngineParts,
  { strategy, instance }: AggregateSpec,
  payload: Json,
  { context, waitMs, timeoutMs, idempotencyKey }: Asking,
): Promise<DelegateAnswer> {
  // Whoever watches the answers arrive has seen all of them.
  const { onRun: _, onProgress: __, ...quiet } = context;
  const input = {
    ...{ instances: instance as Selector as string[], payload, wait: waitMs, timeout: timeoutMs },
    ...({ idempotent: false, fresh: false, fallback: "listed", pick: "ordered", dryRun: false } as const),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
  try {
    return (await delegate(parts, input, quiet)) as DelegateAnswer;
  } catch (thrown) {
    const { message, ...body } = OrchestratorError.from(thrown).toBody();
    throw OrchestratorError.fromBody({ ...body, message: `${strategy}: ${message}` });
  }
}

function told({ runId, instance, reply }: DelegateAnswer): Pick<AggregateAnswer, "by" | "pending"> {
  const by = { ...(instance !== undefined && { instance }), runId };
  return { by, ...(reply === "pending" && { pending: true as const }) };
}

function picked(
  answers: readonly InstanceResult[],
  { choice, reason }: { choice: number; reason?: string },
): Pick<AggregateAnswer, "value" | "sources" | "verdict"> {
  const { instance, result } = answers[choice - 1] as InstanceResult;
  return {
    value: result,
    sources: [instance],
    verdict: { choice, instance, ...(reason !== undefined && { reason }) },
  };
}

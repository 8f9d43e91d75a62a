import type { DelegateAnswer, DryRunAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { type ErrorBody, OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { DelegateInput } from "../core/requests.ts";
import type { Explanation, Run } from "../core/run.ts";
import type { Work } from "./attempt.ts";
import { choose, dryRunOf, noteReroutes } from "./choose.ts";
import { deliver } from "./deliver.ts";
import type { EngineParts } from "./parts.ts";
import { type Performed, perform } from "./perform.ts";
import { survivesExit } from "./survival.ts";
import { attemptView, usageOf } from "./views.ts";

/**
 * Does a task once, at the first of the candidates, in order, that can.
 *
 * @throws OrchestratorError with `runId` and the attempts, when it failed or could not be delivered.
 */
export async function delegate(
  parts: EngineParts,
  input: DelegateInput,
  context: CallContext,
): Promise<DelegateAnswer | DryRunAnswer> {
  const { clock } = parts;
  const settings = parts.settings();
  if (input.dryRun) {
    const { explanation } = await choose(parts, input);
    return dryRunOf(parts, "delegate", explanation);
  }
  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const work: Work = {
    hops: context.hops ?? 0,
    payloadFor: () => input.payload,
    send: (client, call) => client.send(call),
  };
  const { payload, idempotent } = input;
  const selector = (input.instances ?? settings.targets ?? null) as Json;
  const performed = await perform(
    parts,
    {
      input,
      facts: {
        caller: context.createdBy,
        operation: "delegate",
        work: { selector, payload, idempotent },
      },
      waitMs: input.wait ?? settings.waitMs,
      timeoutMs,
      prepare: async () => {
        const choice = await choose(parts, input);
        const { order, explanation, doubtful } = choice;
        if (order.length === 0) throw allRefused(explanation);
        return {
          run: {
            operation: "delegate",
            deadlineAt: clock.now() + timeoutMs,
            createdBy: context.createdBy,
            ...(input.budget && { budget: input.budget }),
            explanation,
            outcomes: [],
          },
          work: async (run) => {
            const retries = doubtful ? 0 : (input.retries ?? settings.retries);
            await deliver(parts, run, order, work, { retries, idempotent, doubtful });
            noteReroutes(parts, choice, run.run);
          },
        };
      },
    },
    context,
  );
  return delegateAnswer(parts, performed);
}

/** @throws OrchestratorError why it failed. */
export function delegateAnswer(parts: EngineParts, performed: Performed): DelegateAnswer {
  return performed.over ? finished(performed) : pending(parts, performed);
}

function allRefused({ excluded }: Explanation): OrchestratorError {
  const [first] = excluded;
  const draining = excluded.every(({ reason }) => reason.startsWith("draining"));
  return new OrchestratorError(
    draining ? "draining" : "instance_down",
    `Nothing was sent: ${excluded.map(exclusionWords).join("; ")}.`,
    {
      delivery: "not_sent",
      details: { excluded },
      ...(excluded.length === 1 && { instance: first?.instance }),
    },
  );
}

function finished({ run, warnings }: Performed): DelegateAnswer {
  const outcome = run.outcomes.find(({ reply }) => reply === "done");
  if (!outcome) throw failure(run);
  const { instance, delivery, result = null } = outcome;
  return answer(run, warnings, { instance, delivery, reply: "done", result });
}

function pending(parts: EngineParts, { run, warnings }: Performed): DelegateAnswer {
  const outcome = run.outcomes.findLast(({ delivery }) => delivery !== "not_sent") ?? run.outcomes.at(-1);
  return answer(run, warnings, {
    ...(outcome && { instance: outcome.instance }),
    delivery: outcome?.delivery ?? "not_sent",
    reply: "pending",
    survivesExit: survivesExit(parts, run),
  });
}

function answer(
  run: Run,
  warnings: readonly string[],
  facts: Pick<DelegateAnswer, "instance" | "delivery" | "reply" | "result" | "survivesExit">,
): DelegateAnswer {
  return {
    runId: run.runId,
    ...facts,
    attempts: run.attempts.map(attemptView),
    explanation: run.explanation,
    ...usageOf(run),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

/** Why a finished run has no result: the words of the instance that got furthest, or of each candidate. */
export function failure(run: Run): OrchestratorError {
  const { runId, outcomes, explanation } = run;
  const delivered =
    outcomes.findLast(({ delivery }) => delivery === "accepted") ??
    outcomes.findLast(({ delivery }) => delivery === "unknown");
  const errors = outcomes.flatMap((outcome) => outcome.error ?? []);
  const body = delivered?.error ?? errors.find((error) => error.retryable) ?? errors[0];
  if (!body) return new OrchestratorError("internal", "The run ended without a reply.", { runId });
  const { excluded } = explanation;
  const refusals = [...errors.map(refusalWords), ...excluded.map(exclusionWords)];
  const message =
    delivered || refusals.length < 2 ? body.message : `No candidate took the task: ${refusals.join("; ")}.`;
  return OrchestratorError.fromBody({ ...body, message }).with({
    runId,
    delivery: delivered?.delivery ?? "not_sent",
    details: {
      ...body.details,
      attempts: run.attempts.map(attemptView),
      ...(excluded.length > 0 && { excluded }),
    },
  });
}

/** An instance's refusal, with its name in front and without a full stop. */
function refusalWords({ instance = "", message }: ErrorBody): string {
  const words = message.replace(/\.$/, "");
  return words.startsWith(instance) ? words : `${instance}: ${words}`;
}

function exclusionWords({ instance, reason }: Explanation["excluded"][number]): string {
  return `${instance} is ${reason}`;
}

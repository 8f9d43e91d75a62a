import type { DelegateAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { type ErrorBody, OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { DelegateInput } from "../core/requests.ts";
import type { Explanation } from "../core/run.ts";
import type { Selector } from "../core/selector.ts";
import { orderByHealth } from "../policy/candidates.ts";
import type { Work } from "./attempt.ts";
import { deliver } from "./deliver.ts";
import type { Settings } from "./dependencies.ts";
import { waited } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { attemptView } from "./views.ts";

/**
 * Does a task once, at the first of the candidates, in order, that can.
 *
 * @throws OrchestratorError with `runId` and the attempts, when it failed or could not be delivered.
 */
export async function delegate(
  parts: EngineParts,
  input: DelegateInput,
  context: CallContext,
): Promise<DelegateAnswer> {
  const { clock, health } = parts;
  const settings = parts.settings();
  const { picked, fleet } = await pick(parts, input);
  const candidates = orderByHealth(picked, fleet, health.of, clock.now());
  const { order } = candidates;
  const explanation: Explanation = { order: order.map(({ name }) => name), excluded: candidates.excluded };
  if (order.length === 0) throw allRefused(explanation);

  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const work: Work = {
    hops: context.hops ?? 0,
    payloadFor: () => input.payload,
    send: (client, call) => client.send(call),
  };
  const { open, ended } = parts.live.start(
    {
      operation: "delegate",
      deadlineAt: clock.now() + timeoutMs,
      createdBy: context.createdBy,
      explanation,
      outcomes: [],
    },
    context,
    (run) =>
      deliver(parts, run, order, work, {
        retries: candidates.doubtful ? 0 : (input.retries ?? settings.retries),
        idempotent: input.idempotent,
      }),
  );
  const over = await waited(clock, ended, { waitMs: input.wait ?? settings.waitMs, timeoutMs });
  return over ? finished(open) : pending(open);
}

/** The candidates as they were listed, and with `fallback: "any"` everyone else after them. */
async function pick(
  { fleet, settings }: EngineParts,
  { instances, fallback }: DelegateInput,
): Promise<{ picked: Instance[]; fleet: readonly Instance[] }> {
  const listed = await fleet.selectKnown(instances ?? defaultTargets("instances", settings()));
  const known = await fleet.known();
  if (fallback === "none") return { picked: listed.slice(0, 1), fleet: known };
  if (fallback === "listed") return { picked: listed, fleet: known };
  return { picked: [...new Set([...listed, ...known])], fleet: known };
}

/** There is no implicit "all": where a call names nobody, the configuration must. */
export function defaultTargets(field: string, { targets }: Settings): Selector {
  if (targets !== undefined) return targets;
  throw new OrchestratorError("bad_request", `${field}: name at least one instance.`, {
    delivery: "not_sent",
    action: `Give ${field}, such as ["A"], ["A-H"] or ["*"], or set "instances" in the configuration.`,
  });
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

function finished(open: OpenRun): DelegateAnswer {
  const { run, warnings } = open;
  const outcome = run.outcomes.find(({ reply }) => reply === "done");
  if (!outcome) throw failure(open);
  return {
    runId: run.runId,
    instance: outcome.instance,
    delivery: outcome.delivery,
    reply: "done",
    result: outcome.result ?? null,
    attempts: run.attempts.map(attemptView),
    explanation: run.explanation,
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

function pending(open: OpenRun): DelegateAnswer {
  const { run, warnings } = open;
  const outcome = run.outcomes.findLast(({ delivery }) => delivery !== "not_sent") ?? run.outcomes.at(-1);
  return {
    runId: run.runId,
    ...(outcome && { instance: outcome.instance }),
    delivery: outcome?.delivery ?? "not_sent",
    reply: "pending",
    attempts: run.attempts.map(attemptView),
    explanation: run.explanation,
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

/** Why a finished run has no result: the words of the instance that got furthest, or of each candidate. */
export function failure({ run }: OpenRun): OrchestratorError {
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

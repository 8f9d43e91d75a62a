import { asks } from "../core/aggregation/strategy.ts";
import type { FanoutAnswer } from "../core/answers.ts";
import type { Viewer } from "../core/context.ts";
import { type ErrorBody, OrchestratorError } from "../core/errors.ts";
import { type Outcome, withoutResult } from "../core/outcome.ts";
import type { KeepAnswerInput, RunsAnswerInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { RunAnswer } from "../core/run-answers.ts";
import { Fold } from "./aggregate-fold.ts";
import { delegateAnswer } from "./delegate.ts";
import { fanoutAnswer } from "./fanout-answer.ts";
import type { EngineParts } from "./parts.ts";
import type { Performed } from "./perform.ts";
import { takeUp } from "./run-waiting.ts";
import { orphanWarning } from "./runs.ts";
import { sendAnswer } from "./sessions.ts";
import { iso, runDetail } from "./views.ts";
import { checkVisible } from "./visibility.ts";

/**
 * What the call that made a run was answered with: as its face noted it, else, once nothing more is to
 * come, made of what is stored. Nothing is sent for it: what was to be reduced or judged is not any more.
 *
 * @throws OrchestratorError `run_not_found`
 */
export async function runAnswer(
  parts: EngineParts,
  { runId }: RunsAnswerInput,
  viewer: Viewer,
): Promise<RunAnswer> {
  await checkVisible(parts, runId, viewer);
  await takeUp(parts, runId);
  const { journal, live } = parts;
  const open = live.find(runId);
  const stored =
    open === undefined ||
    (await open.stored().then(
      () => true,
      () => false,
    ));
  const run = open?.run ?? (await journal.read(runId));
  const kept = await journal.keptAnswer(runId);
  const warnings = open?.warnings ?? orphanWarning(parts, run);
  const told: RunAnswer = {
    run: runDetail({ ...run, outcomes: run.outcomes.map(withoutResult) }, warnings),
    stored,
    keptUntil: iso(journal.keptUntil(run)),
    cancelled: isCancelled(run),
  };
  if (kept !== undefined) return { ...told, kept };
  return isOver(parts, run) ? { ...told, ...(await answered(parts, run, warnings)) } : told;
}

/**
 * Notes what the call of a run was answered with, for as long as the run is kept.
 *
 * @throws OrchestratorError `run_not_found`
 */
export async function keepAnswer(
  parts: EngineParts,
  { runId, answer }: KeepAnswerInput,
  viewer: Viewer,
): Promise<void> {
  await checkVisible(parts, runId, viewer);
  await parts.journal.keepAnswer(runId, answer);
}

/** Nothing more comes of it, neither here nor in the process that worked on it. */
function isOver({ processes, clock }: EngineParts, { endedAt, deadlineAt, owner, wanted }: Run): boolean {
  const isLeft = processes.isGone(owner) || clock.now() > deadlineAt;
  // Whoever made the fan-out may still have its answers reduced or judged, until its deadline.
  if (endedAt !== undefined) return !wanted?.aggregate || !asks(wanted.aggregate.strategy) || isLeft;
  return processes.isGone(owner) && clock.now() > deadlineAt;
}

async function answered(
  parts: EngineParts,
  run: Run,
  warnings: readonly string[],
): Promise<Pick<RunAnswer, "answer"> | { error: ErrorBody }> {
  try {
    return { answer: await answerOf(parts, run, warnings) };
  } catch (error) {
    return { error: OrchestratorError.from(error).toBody() };
  }
}

async function answerOf(
  parts: EngineParts,
  run: Run,
  warnings: readonly string[],
): Promise<NonNullable<RunAnswer["answer"]>> {
  const whole = run.wanted?.brief ? run : await parts.journal.withResults(run);
  const performed = { run: whole, warnings, over: run.endedAt !== undefined };
  switch (run.operation) {
    case "delegate":
      return delegateAnswer(parts, performed);
    case "sessions_send":
      return sendAnswer(
        parts,
        { sessionId: run.sessionId ?? "", instance: run.explanation.order[0] ?? "" },
        performed,
      );
    case "orchestrate":
      return (await import("./orchestrate/views.ts")).planAnswer(parts, performed);
    case "fanout":
      return fannedOut(parts, performed);
  }
}

async function fannedOut(parts: EngineParts, performed: Performed): Promise<FanoutAnswer> {
  const { aggregate, minSuccess, brief } = performed.run.wanted ?? {};
  const isAsked = aggregate !== undefined && asks(aggregate.strategy);
  const answer = await fanoutAnswer(parts, {
    performed,
    input: { detail: brief ? "brief" : "full", minSuccess, payload: null },
    context: { createdBy: performed.run.createdBy },
    fold: aggregate && !isAsked ? new Fold(aggregate) : undefined,
    openUntil: 0,
  });
  return isAsked
    ? { ...answer, aggregateError: notAsked(aggregate.strategy, answer.runId).toBody() }
    : answer;
}

function notAsked(strategy: string, runId: string): OrchestratorError {
  return new OrchestratorError(
    "aggregate_failed",
    `Nobody was asked to ${strategy}: the process that would have asked has ended.`,
    { runId, action: "Aggregate the run." },
  );
}

/** Somebody cancelled the run before it was done, and did not just leave out the rest of a fan-out. */
function isCancelled({ operation, outcomes, plan, wanted, endedAt }: Run): boolean {
  if (endedAt === undefined || wanted?.cancelsRest) return false;
  if (plan) {
    const [first] = plan.steps.filter(({ state }) => state === "cancelled");
    return plan.failedAt === undefined && first?.error?.code === "cancelled";
  }
  const isDone = outcomes.some(({ reply }) => reply === "done");
  return (operation === "fanout" || !isDone) && outcomes.some(wasCancelled);
}

/** By somebody, not by its deadline. */
function wasCancelled({ reply, error }: Outcome): boolean {
  return reply !== "done" && error?.code === "cancelled";
}

import type {
  AttemptView,
  Counts,
  MessageView,
  MoveView,
  OutcomeView,
  RemoteView,
  SessionView,
} from "../core/answers.ts";
import { hasReply } from "../core/delivery.ts";
import type { Attempt, Outcome } from "../core/outcome.ts";
import type { StepCounts } from "../core/plan-answers.ts";
import type { PlanProgress } from "../core/plan-state.ts";
import type { Run } from "../core/run.ts";
import type { RunDetail, RunView } from "../core/run-answers.ts";
import type { Message, RemoteTranscript, Session, SessionMove } from "../core/session.ts";
import { addUsage, type Usage } from "../core/usage.ts";

// Records as answers show them: ISO times, spans, and nothing that is only ours to know.

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

export function attemptView(attempt: Attempt): AttemptView {
  return {
    instance: attempt.instance,
    delivery: attempt.delivery,
    reply: attempt.reply,
    startedAt: iso(attempt.startedAt),
    ...(attempt.endedAt !== undefined && { elapsedMs: attempt.endedAt - attempt.startedAt }),
    ...(attempt.error && { error: attempt.error }),
  };
}

export function outcomeView(outcome: Outcome): OutcomeView {
  const { instance, delivery, reply, result, error, startedAt, endedAt, usage } = outcome;
  const view: OutcomeView = { instance, delivery, reply };
  if (result !== undefined) view.result = result;
  if (error) view.error = error;
  if (endedAt !== undefined && startedAt !== undefined) view.elapsedMs = endedAt - startedAt;
  if (usage) view.usage = usage;
  return view;
}

/**
 * How many of the outcomes are where; one that ended without a reply counts as failed, unless that is since
 * it was cancelled.
 */
export function countOutcomes(outcomes: readonly Outcome[]): Counts {
  const counts: Counts = { total: outcomes.length, done: 0, failed: 0, pending: 0, cancelled: 0 };
  for (const { reply, error } of outcomes) {
    if (hasReply(reply) || reply === "pending") counts[reply as keyof Counts] += 1;
    else counts[error?.code === "cancelled" ? "cancelled" : "failed"] += 1;
  }
  return counts;
}

/** What the outcomes of a run cost together; of a plan, what its steps' runs did. */
export function usageOf({ outcomes, plan }: Run): { usage?: Usage } {
  const spenders: readonly { usage?: Usage }[] = plan?.steps ?? outcomes;
  const usage = spenders.reduce<Usage | undefined>((sum, each) => addUsage(sum, each.usage), undefined);
  return usage ? { usage } : {};
}

/** How many steps of a plan are where. */
export function countSteps({ steps }: PlanProgress): StepCounts {
  const counts: StepCounts = {
    total: steps.length,
    done: 0,
    failed: 0,
    pending: 0,
    cancelled: 0,
    skipped: 0,
  };
  for (const { state } of steps) counts[state === "waiting" || state === "running" ? "pending" : state] += 1;
  return counts;
}

export function runView(run: Run): RunView {
  return {
    runId: run.runId,
    operation: run.operation,
    state: run.endedAt === undefined ? "open" : "ended",
    createdAt: iso(run.createdAt),
    ...(run.endedAt !== undefined && { endedAt: iso(run.endedAt) }),
    createdBy: run.createdBy,
    ...(run.sessionId !== undefined && { sessionId: run.sessionId }),
    ...(run.partOf && { partOf: run.partOf }),
    counts: run.plan ? countSteps(run.plan) : countOutcomes(run.outcomes),
    ...usageOf(run),
  };
}

export function runDetail(run: Run, warnings: readonly string[] = []): RunDetail {
  return {
    ...runView(run),
    outcomes: run.outcomes.map(outcomeView),
    attempts: run.attempts.map(attemptView),
    explanation: run.explanation,
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

export function sessionView(session: Session): SessionView {
  return {
    sessionId: session.sessionId,
    instance: session.instance,
    state: session.closedAt === undefined ? "open" : "closed",
    messages: session.seq,
    onInstanceDown: session.onInstanceDown ?? "fail",
    createdAt: iso(session.createdAt),
    createdBy: session.createdBy,
  };
}

export function messageView({ epoch: _ours, ...message }: Message): MessageView {
  return { ...message, at: iso(message.at) };
}

export function remoteView({ messages, cut }: RemoteTranscript): RemoteView {
  const view = messages.map(({ at, ...message }) => ({
    ...message,
    ...(at !== undefined && { at: iso(at) }),
  }));
  return { messages: view, ...(cut && { cut }) };
}

export function moveView({ at, from, to, epoch, reason, history }: SessionMove): MoveView {
  return { kind: "moved", at: iso(at), from: from.instance, to, epoch, reason, history };
}

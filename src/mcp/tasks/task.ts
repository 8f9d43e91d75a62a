import type { Result } from "@modelcontextprotocol/server";
import type { KeptAnswer } from "../../core/kept-answer.ts";
import type { RunAnswer, RunDetail } from "../../core/run-answers.ts";
import { summary } from "../outcomes.ts";
import { stepSummary } from "../steps.ts";
import { callOf, errorLine, oneLine } from "../words.ts";

/** What is shown of a run as a task, whatever its status. Times are ISO 8601, spans milliseconds. */
export interface Task extends Result {
  /** The run's id. */
  taskId: string;
  statusMessage: string;
  createdAt: string;
  lastUpdatedAt: string;
  /** From its creation. */
  ttlMs: number;
  pollIntervalMs: number;
}

/** A status, and what comes with it: what is kept of a task that has ended. */
export type TaskState = { status: "working" } | KeptAnswer;

const SOONEST_POLL_MS = 1_000;
const LATEST_POLL_MS = 15_000;

/** @param now Epoch milliseconds. */
export function taskOf({ run, keptUntil }: RunAnswer, state: TaskState, now = Date.now()): Task {
  const { runId, createdAt } = run;
  const begunAt = Date.parse(createdAt);
  // What has lasted long is likely to last longer.
  const age = Math.round((now - begunAt) / 10);
  return {
    taskId: runId,
    statusMessage: words(run, state),
    createdAt,
    lastUpdatedAt: lastUpdate(run),
    ttlMs: Math.max(1, Date.parse(keptUntil) - begunAt),
    pollIntervalMs: Math.min(LATEST_POLL_MS, Math.max(SOONEST_POLL_MS, age)),
  };
}

function words(run: RunDetail, state: TaskState): string {
  const { counts, warnings = [] } = run;
  const far = "skipped" in counts ? stepSummary(counts) : summary(counts);
  const lines = [
    counts.total === 0 ? "Nobody has been asked yet" : far,
    ...warnings.map((each) => oneLine(each)),
  ];
  if (state.status === "cancelled") lines.push(...fates(run));
  if (state.status === "failed") lines.unshift(oneLine(state.error.message));
  return `${lines.map((line) => line.replace(/\.$/, "")).join(". ")}.`;
}

const MOST_FATES = 10;

/** What became of the work at those that did not do it, as far as they said. */
function fates({ runId, outcomes }: RunDetail): string[] {
  const undone = outcomes.filter(({ reply }) => reply !== "done");
  const told = undone.slice(0, MOST_FATES).map(({ instance, reply, delivery, error }) => {
    const why = reply === "cancelled" || !error ? reply : errorLine(error);
    return `${instance}: ${why} (delivery ${delivery})`;
  });
  return [...told, `The whole of it: ${callOf("runs_get", { runId })}`];
}

function lastUpdate({ createdAt, endedAt, attempts, steps = [] }: RunDetail): string {
  const changes = [...attempts, ...steps].flatMap(({ startedAt, elapsedMs = 0 }) =>
    startedAt === undefined ? [] : [Date.parse(startedAt) + elapsedMs],
  );
  return endedAt ?? new Date(Math.max(Date.parse(createdAt), ...changes)).toISOString();
}

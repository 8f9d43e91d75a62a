import type { AggregateOptions, AggregationStrategy } from "./aggregation/strategy.ts";
import type { BalancingStrategy } from "./balancing.ts";
import type { Budget } from "./calls.ts";
import type { Attempt, Outcome } from "./outcome.ts";
import type { PlanProgress, PlanStepRef } from "./plan-state.ts";

export const RUN_OPERATIONS = ["delegate", "fanout", "sessions_send", "orchestrate"] as const;
export type RunOperation = (typeof RUN_OPERATIONS)[number];

/** Why an instance was asked, in which order, or why it was left out. */
export interface Explanation {
  /** Names in the order in which they are asked. */
  order: string[];
  excluded: { instance: string; reason: string }[];
  /** How a pool was put in order, where not as listed. */
  pick?: BalancingStrategy;
  /** What else bore on the order, in sentences. */
  notes?: string[];
}

/** What the caller of a fan-out wants its answer to be, besides the outcomes. */
export interface AnswerWanted {
  aggregate?: { strategy: AggregationStrategy } & AggregateOptions;
  minSuccess?: number;
  brief?: true;
  /** Who is not waited for is cancelled, though nobody cancels the run. */
  cancelsRest?: true;
}

/** The stored record of one delegate, fanout, session send or plan. Times are epoch milliseconds. */
export interface Run {
  runId: string;
  operation: RunOperation;
  createdAt: number;
  /** When the whole work is cancelled. */
  deadlineAt: number;
  endedAt?: number;
  /** Who asked: the face and, where there is one, the key's name. */
  createdBy: string;
  /** The process that writes this run. */
  owner: string;
  sessionId?: string;
  seq?: number;
  /** A caller's key stands for it: it is kept for as long as keys are. */
  keyed?: true;
  explanation: Explanation;
  /** `fanout`: so that another process can answer the call. */
  wanted?: AnswerWanted;
  outcomes: Outcome[];
  attempts: Attempt[];
  /** `orchestrate`: how far its steps are. */
  plan?: PlanProgress;
  /** The plan's step that this run is a call of. */
  partOf?: PlanStepRef;
  budget?: Budget;
  /** How much the stored results take, in characters of JSON. */
  resultBytes?: number;
}

/**
 * The idempotency key of a task at one instance: the same for each retry there, another for each
 * other instance, step and index, so that no two pieces of work ever share one.
 */
export function taskKey(
  runId: string,
  target: string,
  { step = "main", index = 0, generation = 0 }: { step?: string; index?: number; generation?: number } = {},
): string {
  return `${runId}/${step}/${index}/${target}/${generation}`;
}

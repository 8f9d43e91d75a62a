import type { Counts } from "./answers.ts";
import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";
import type { StepState } from "./plan-state.ts";
import type { Usage } from "./usage.ts";

// What is told of a plan, and of a run while it goes on. Times are ISO 8601, spans milliseconds.

/** How far one step of a plan is. */
export interface StepView {
  step: string;
  state: StepState;
  startedAt?: string;
  elapsedMs?: number;
  /** The runs of its calls, each with its own outcomes. */
  runIds: string[];
  /** What those cost, as far as the instances said. */
  usage?: Usage;
  /** `forEach`: how many items there are, how many have ended, and how many of them failed. */
  items?: { total: number; ended: number; failed: number };
  /** What it came to; absent while it goes on, and where it is too long: then `valueChars` says how long. */
  value?: Json;
  valueChars?: number;
  /** Why it failed or was not done; also where the plan went on all the same. */
  error?: ErrorBody;
  /** The step whose value stands for its own. */
  fellBackTo?: string;
}

/** How many steps are where. */
export interface StepCounts extends Counts {
  skipped: number;
}

/** What a plan came to, or how far it is. */
export interface OrchestrateAnswer {
  runId: string;
  reply: "done" | "failed" | "cancelled" | "pending";
  counts: StepCounts;
  /** One entry a step, in the order of the plan. */
  steps: StepView[];
  /** What all of it cost, as far as the instances said. */
  usage?: Usage;
  /** Of one that is done: its `output`, or the last step's value. */
  value?: Json;
  /** Why it failed. */
  error?: ErrorBody;
  /** Of a pending one: whether it goes on when this process ends, before another one takes it over. */
  survivesExit?: boolean;
  warnings?: string[];
}

/** A step's end as those who watch are told of it. */
export function stepProgress(
  step: string,
  state: StepState,
): { step: string; instance: string; reply: Reply; delivery: Delivery } {
  const reply: Reply = state === "done" || state === "failed" || state === "cancelled" ? state : "none";
  return {
    step,
    instance: "",
    reply,
    delivery: reply === "done" || reply === "failed" ? "accepted" : "not_sent",
  };
}

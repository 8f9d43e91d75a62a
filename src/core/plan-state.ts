import type { ErrorBody } from "./errors.ts";
import type { Usage } from "./usage.ts";

export type StepState = "waiting" | "running" | "done" | "failed" | "skipped" | "cancelled";

/** How far one step of a plan is. Times are epoch milliseconds. */
export interface StepProgress {
  id: string;
  state: StepState;
  /** Counts the definitions of this step: another one is other work, under other keys. */
  edition: number;
  /**
   * By the index of a call: how often it was begun anew, after a failure or where it was certainly not
   * sent. Its key changes with it.
   */
  generations: Record<string, number>;
  /** By the index of a fan-out: its runs so far, where one was cut off before all targets were sent to. */
  cutOff?: Record<string, string[]>;
  startedAt?: number;
  endedAt?: number;
  /** Runs that its calls made, in the order of their beginning. */
  runIds: string[];
  /** What those cost, as far as the instances said. */
  usage?: Usage;
  /** `forEach`: how many items there are, how many have ended, and which of them failed. */
  items?: { total: number; ended: number; failed: number[] };
  /** Why it failed or was not done; also where the plan went on all the same. */
  error?: ErrorBody;
  /** The step whose value stands for its own. */
  fellBackTo?: string;
  /** Characters of JSON of its stored value. */
  valueChars?: number;
}

/** How far a plan is; its text is stored beside the run. */
export interface PlanProgress {
  steps: StepProgress[];
  /** The step that failed the plan. */
  failedAt?: string;
  /** Tasks of calls that have ended, which a budget counts. */
  calls: number;
  /** `name@origin` of the instances that the plan names: who takes it over must know them. */
  origins: string[];
}

/** The step of a plan whose call a run is. */
export interface PlanStepRef {
  runId: string;
  step: string;
  index: number;
}

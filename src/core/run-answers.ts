import type {
  AttemptView,
  Counts,
  DelegateAnswer,
  FanoutAnswer,
  OutcomeView,
  SendAnswer,
} from "./answers.ts";
import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";
import type { KeptAnswer } from "./kept-answer.ts";
import type { OrchestrateAnswer, StepCounts, StepView } from "./plan-answers.ts";
import type { PlanStepRef } from "./plan-state.ts";
import type { Explanation, RunOperation } from "./run.ts";
import type { Usage } from "./usage.ts";

// What is told of a stored run, and of one that goes on. Times are ISO 8601, spans milliseconds.

export interface RunView {
  runId: string;
  operation: RunOperation;
  /** The plan's step that this run is a call of. */
  partOf?: PlanStepRef;
  state: "open" | "ended";
  createdAt: string;
  endedAt?: string;
  createdBy: string;
  sessionId?: string;
  counts: Counts | StepCounts;
  /** What all of it cost, as far as the instances said. */
  usage?: Usage;
}

export interface RunDetail extends RunView {
  outcomes: OutcomeView[];
  /** `orchestrate`: one entry a step; what it came to, once it has ended; why it failed. */
  steps?: StepView[];
  reply?: OrchestrateAnswer["reply"];
  value?: Json;
  error?: ErrorBody;
  attempts: AttemptView[];
  explanation: Explanation;
  warnings?: string[];
}

/** A run as the call that made it is answered, by whichever process. */
export interface RunAnswer {
  /** Without results. */
  run: RunDetail;
  /** Whether there is a record of it, which another process would find. */
  stored: boolean;
  /** Until when it is kept, unless there come to be too many. */
  keptUntil: string;
  /** It was cancelled before it was done. */
  cancelled: boolean;
  /** What the face that was called noted as its answer. */
  kept?: KeptAnswer;
  /** Where nothing is noted, and nothing more is to come: the answer, made of what is stored. */
  answer?: DelegateAnswer | FanoutAnswer | SendAnswer | OrchestrateAnswer;
  /** The same of a call that failed. */
  error?: ErrorBody;
}

/**
 * One page of an instance's result, of a step's value or, without either, of a plan's: as JSON text, or the
 * text itself where it is text.
 */
export interface ResultPage {
  runId: string;
  instance?: string;
  step?: string;
  reply: Reply;
  offset: number;
  text: string;
  totalChars: number;
  /** Where the next page begins, when there is one. */
  nextOffset?: number;
}

/** What a caller may watch while a run goes on: an outcome has ended or, while `pending`, has come further. */
export interface ProgressEvent {
  runId: string;
  /** The step of a plan that has ended; then `instance` is empty. */
  step?: string;
  instance: string;
  reply: Reply;
  delivery: Delivery;
  ended: number;
  total: number;
  /** Of a pending one: how far the answer is, and what the instance says that it is doing. */
  working?: { chars?: number; note?: string };
}

/**
 * One event of a run: an outcome, or a step of a plan, that has ended, or at last the end of the run. `working`
 * tells in between how far a pending outcome is, where the process that works on the run is asked, and is told once.
 */
export type RunEvent =
  | { id: string; event: "working"; data: ProgressEvent }
  | { id: string; event: "outcome"; data: OutcomeView & { runId: string; ended: number; total: number } }
  | { id: string; event: "step"; data: StepView & { runId: string; ended: number; total: number } }
  | { id: string; event: "end"; data: RunView };

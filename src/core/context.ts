import type { Cancellation } from "./cancellation.ts";
import type { PlanStepRef } from "./plan-state.ts";
import type { ProgressEvent } from "./run-answers.ts";

/** What of the stored runs and sessions a caller may see. */
export interface Viewer {
  /** Only what this creator made; all of it when absent. */
  only?: string;
}

/** Who calls, and how the call may be watched and cancelled. */
export interface CallContext extends Viewer {
  /** The face and, where there is one, the key's name: `mcp`, `cli`, `rest:ci`. */
  createdBy: string;
  /** The plan's step that this is a call of. */
  partOf?: PlanStepRef;
  /** Orchestrators that the task has passed before this one. */
  hops?: number;
  /** The caller is a model: where `*` picks many, it has to be confirmed. */
  confirmsAll?: true;
  /** The face keeps no call open longer, whatever it or the configuration asks for. */
  longestWaitMs?: number;
  /** Cancels the work itself, not just the waiting. */
  cancellation?: Cancellation;
  /** Cancelled when nobody listens any more: the work goes on, and its answer is kept for the identical call. */
  gone?: Cancellation;
  /** Told the run's id as soon as there is one. */
  onRun?: (runId: string) => void;
  onProgress?: (event: ProgressEvent) => void;
}

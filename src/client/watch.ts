import type { CallOptions } from "../core/orchestrator.ts";
import { stepProgress } from "../core/plan-answers.ts";
import type { ProgressEvent, RunEvent } from "../core/run-answers.ts";
import type { Api } from "./api.ts";
import { followRun } from "./events.ts";

/** When a fan-out's waiting ends before all of it has ended. */
export interface Enough {
  /** So many are done. */
  minReplies?: number | undefined;
  /** Nobody new has answered for so many milliseconds. */
  stallMs?: number | undefined;
}

export interface Watching {
  runId: string;
  waitMs: number;
  enough: Enough;
  onProgress?: CallOptions["onProgress"];
  signal: AbortSignal;
}

/**
 * Watches a run until it has `ended`, `enough` of it has, or the `wait` is over, and tells of each
 * instance that has ended; `unheard` when nothing more can be heard of it.
 */
export async function watchRun(
  api: Api,
  { runId, waitMs, enough, onProgress, signal }: Watching,
): Promise<"ended" | "enough" | "wait" | "unheard"> {
  if (waitMs <= 0) return "wait";
  const over = new AbortController();
  let why: "enough" | "wait" | "unheard" = "unheard";
  const stop = (reason: typeof why) => {
    why = reason;
    over.abort();
  };
  const stopped = () => stop("unheard");
  signal.addEventListener("abort", stopped, { once: true });
  const waitTimer = setTimeout(stop, waitMs, "wait");
  const { minReplies, stallMs } = enough;
  const stallTimer = stallMs === undefined ? undefined : setTimeout(stop, stallMs, "enough");
  let done = 0;
  try {
    for await (const event of followRun(api, { runId, signal: over.signal })) {
      if (event.event === "end") return "ended";
      tell(progressOf(event), onProgress);
      if (event.event === "working") continue;
      stallTimer?.refresh();
      if (event.event === "outcome" && event.data.reply === "done") done += 1;
      // All that there are to come is what the run's own end tells.
      if (done >= (minReplies ?? event.data.total) && done < event.data.total) stop("enough");
    }
  } catch {
    // What has become of the run is asked for in another way.
  } finally {
    clearTimeout(waitTimer);
    clearTimeout(stallTimer);
    signal.removeEventListener("abort", stopped);
  }
  return why;
}

/** An event as the engine itself would tell it. */
function progressOf(event: Exclude<RunEvent, { event: "end" }>): ProgressEvent {
  if (event.event === "working") return event.data;
  const { runId, ended, total } = event.data;
  if (event.event === "step")
    return { runId, ended, total, ...stepProgress(event.data.step, event.data.state) };
  const { instance, reply, delivery } = event.data;
  return { runId, instance, reply, delivery, ended, total };
}

function tell(event: ProgressEvent, onProgress: CallOptions["onProgress"]): void {
  try {
    onProgress?.(event);
  } catch {
    // Whoever watches must not disturb the work.
  }
}

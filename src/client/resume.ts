import type { OrchestrateCall } from "../core/calls.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { CallOptions } from "../core/orchestrator.ts";
import type { OrchestrateAnswer, StepCounts } from "../core/plan-answers.ts";
import type { RunDetail } from "../core/run-answers.ts";
import { unlessAborted } from "./abort.ts";
import type { Api } from "./api.ts";
import { has, idIn } from "./paths.ts";
import { Waiting, waitOf } from "./waiting.ts";
import { watchRun } from "./watch.ts";

export interface ResumeCall extends OrchestrateCall {
  resume: string;
}

/**
 * Goes on with a plan that failed. Once it goes on it is waited for as a run: to resume it again would send
 * again what failed again, so an answer that is lost is not asked for in that way.
 *
 * @throws OrchestratorError with the plan's `runId`.
 */
export async function resumePlan(
  api: Api,
  call: ResumeCall,
  longestWaitMs: number,
  { signal, onRun, onProgress }: CallOptions,
): Promise<OrchestrateAnswer> {
  const { resume: runId, wait, ...rest } = call;
  const path = `runs/${idIn(runId, "resume")}`;
  if (signal?.aborted) throw nothingSent();
  const stop = new AbortController();
  const waiting = new Waiting(waitOf({ wait, timeout: call.timeout }), longestWaitMs);

  const body = { ...rest, resume: runId, wait: 0 };
  const begin = { method: "POST", path: "orchestrate", body, kind: "once", isOurs: has("runId") } as const;
  const begun = api.call(() => begin);
  const worked = async (): Promise<RunDetail> => {
    await begun;
    tell(onRun, runId);
    if (onProgress)
      await watchRun(api, {
        runId,
        waitMs: waiting.remainingMs,
        enough: {},
        onProgress,
        signal: stop.signal,
      });
    for (;;) {
      const askedAt = performance.now();
      const waitMs = waiting.nextMs;
      const asked = { method: "GET", path: `${path}?wait=${waitMs}ms`, kind: "read", waitMs } as const;
      const { body: run } = await api.call<RunDetail>(() => ({
        ...asked,
        signal: stop.signal,
        isOurs: has("runId"),
      }));
      if (run.state === "ended" || waiting.remainingMs === 0) return run;
      await waiting.pauseAfter(askedAt);
    }
  };

  try {
    return planAnswerOf(await unlessAborted(worked(), signal));
  } catch (thrown) {
    const error = OrchestratorError.from(thrown);
    if (!signal?.aborted) throw error.runId === undefined ? error.with({ runId }) : error;
    // A cancel that overtook it would cancel nothing.
    await begun.catch(() => {});
    const cancel = { method: "DELETE", path, kind: "read", isOurs: has("runId") } as const;
    return planAnswerOf((await api.call<RunDetail>(() => cancel)).body);
  } finally {
    stop.abort();
  }
}

function tell(onRun: CallOptions["onRun"], runId: string): void {
  try {
    onRun?.(runId);
  } catch {
    // The watcher's own trouble is not the work's.
  }
}

function nothingSent(): OrchestratorError {
  return new OrchestratorError("cancelled", "The caller cancelled before anything was sent.", {
    delivery: "not_sent",
  });
}

/** What a plan came to, or how far it is, from what `runsGet` says of its run. */
function planAnswerOf(run: RunDetail): OrchestrateAnswer {
  const { runId, counts, steps = [], reply = "pending", value, error, warnings } = run;
  return {
    ...{ runId, reply, steps, counts: counts as StepCounts },
    ...(value !== undefined && { value }),
    ...(error && { error }),
    ...(reply === "pending" && { survivesExit: false }),
    ...(warnings && { warnings }),
  };
}

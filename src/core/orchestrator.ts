import type {
  AggregateAnswer,
  DelegateAnswer,
  DryRunAnswer,
  FanoutAnswer,
  HistoryAnswer,
  InstanceHealth,
  Page,
  SendAnswer,
  SessionView,
  SpawnAnswer,
} from "./answers.ts";
import type * as calls from "./calls.ts";
import type { OrchestrateAnswer } from "./plan-answers.ts";
import type { ProgressEvent, ResultPage, RunDetail, RunEvent, RunView } from "./run-answers.ts";

/** How one call may be watched and cancelled. */
export interface CallOptions {
  /** Its abort cancels the work at the instances; the call then says what became of it. */
  signal?: AbortSignal;
  /** Told the run's id as soon as there is one. */
  onRun?: (runId: string) => void;
  /** Told of each instance that has ended. */
  onProgress?: (event: ProgressEvent) => void;
}

/**
 * Every use case, as a program calls it: with the engine in this process (`createOrchestrator`), or at a
 * server (`OrchestratorClient`). Each method rejects with an `OrchestratorError` alone.
 */
export interface Orchestrator {
  /** One task, done once, by the first of the candidates that can. */
  delegate(call: calls.DelegateCall, options?: CallOptions): Promise<DelegateAnswer | DryRunAnswer>;
  /** One task to every target; each of them is accounted for. */
  fanout(call: calls.FanoutCall, options?: CallOptions): Promise<FanoutAnswer | DryRunAnswer>;
  /** Works through a plan, or goes on with one that failed. One that failed is an answer, not an error. */
  orchestrate(call: calls.OrchestrateCall, options?: CallOptions): Promise<OrchestrateAnswer | DryRunAnswer>;
  /** Makes one answer of stored runs' replies, or of replies handed in. */
  aggregate(call: calls.AggregateCall, options?: CallOptions): Promise<AggregateAnswer>;
  sessionsSpawn(call: calls.SessionsSpawnCall): Promise<SpawnAnswer>;
  sessionsSend(call: calls.SessionsSendCall, options?: CallOptions): Promise<SendAnswer>;
  sessionsList(call?: calls.PageCall): Promise<Page<SessionView>>;
  sessionsHistory(call: calls.SessionsHistoryCall): Promise<HistoryAnswer>;
  sessionsClose(call: calls.SessionsCloseCall): Promise<SessionView>;
  /** Checks instances now; without a selector the whole fleet. */
  health(call?: calls.HealthCall): Promise<InstanceHealth[]>;
  /** A run with its outcomes, after waiting for it if asked to; with `instance` or `step` a page of what came of it. */
  runsGet(call: calls.RunsGetCall): Promise<RunDetail | ResultPage>;
  runsList(call?: calls.PageCall): Promise<Page<RunView>>;
  /** Stops a run at its instances; what became of the work at each. */
  runsCancel(call: calls.RunsCancelCall): Promise<RunDetail>;
  /** A run's outcomes as they arrive, those that are there first, then its end. */
  runsEvents(call: calls.RunsEventsCall, options?: { signal?: AbortSignal }): AsyncIterable<RunEvent>;
  /** Lets go of everything; what still runs is left to other processes. */
  close(): Promise<void>;
}

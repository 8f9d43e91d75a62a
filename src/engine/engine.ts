import { setImmediate } from "node:timers/promises";
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
} from "../core/answers.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { EngineChange, KnownInstance } from "../core/changes.ts";
import type { CallContext, Viewer } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { OrchestrateAnswer } from "../core/plan-answers.ts";
import type * as requests from "../core/requests.ts";
import type { ResultPage, RunAnswer, RunDetail, RunEvent, RunView } from "../core/run-answers.ts";
import { Turns } from "../policy/balancing.ts";
import { RetryBudget } from "../policy/budget.ts";
import { Slots } from "../policy/slots.ts";
import { aggregate } from "./aggregate.ts";
import { Breakers } from "./breakers.ts";
import { CallKeys } from "./call-keys.ts";
import { CancelOrders } from "./cancel-orders.ts";
import { knownFleet, watchChanges } from "./changes.ts";
import { delegate } from "./delegate.ts";
import type { EngineDependencies } from "./dependencies.ts";
import { fanout } from "./fanout.ts";
import { Fleet } from "./fleet.ts";
import { checkHealth } from "./health.ts";
import { HealthHistory } from "./health-history.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { LiveRuns } from "./live-runs.ts";
import type { EngineParts } from "./parts.ts";
import { PresenceBoard } from "./presence.ts";
import { Recovery } from "./recovery.ts";
import { RetentionSweep } from "./retention.ts";
import { keepAnswer, runAnswer } from "./run-answer.ts";
import { runEvents, type Watching } from "./run-events.ts";
import { RunJournal } from "./run-journal.ts";
import { DEFAULT_RETENTION } from "./run-keys.ts";
import { cancelRun, getRun, listRuns } from "./runs.ts";
import { SessionLines } from "./session-line.ts";
import { SessionRecords } from "./session-records.ts";
import { spawnSession } from "./session-spawn.ts";
import { closeSession, listSessions, sendToSession, sessionHistory } from "./sessions.ts";

/** Every use case, as all faces call it. Each method rejects with an `OrchestratorError` alone. */
export interface Engine {
  delegate(input: requests.DelegateInput, context: CallContext): Promise<DelegateAnswer | DryRunAnswer>;
  fanout(input: requests.FanoutInput, context: CallContext): Promise<FanoutAnswer | DryRunAnswer>;
  orchestrate(
    input: requests.OrchestrateInput,
    context: CallContext,
  ): Promise<OrchestrateAnswer | DryRunAnswer>;
  aggregate(input: requests.AggregateInput, context?: Partial<CallContext>): Promise<AggregateAnswer>;
  sessionsSpawn(input: requests.SessionsSpawnInput, context: CallContext): Promise<SpawnAnswer>;
  sessionsSend(input: requests.SessionsSendInput, context: CallContext): Promise<SendAnswer>;
  sessionsList(input: requests.SessionsListInput, viewer?: Viewer): Promise<Page<SessionView>>;
  sessionsHistory(input: requests.SessionsHistoryInput, viewer?: Viewer): Promise<HistoryAnswer>;
  sessionsClose(input: requests.SessionsCloseInput, viewer?: Viewer): Promise<SessionView>;
  health(input: requests.HealthInput): Promise<InstanceHealth[]>;
  runsGet(input: requests.RunsGetInput, viewer?: Viewer): Promise<RunDetail | ResultPage>;
  runsList(input: requests.RunsListInput, viewer?: Viewer): Promise<Page<RunView>>;
  runsCancel(input: requests.RunsCancelInput, viewer?: Viewer): Promise<RunDetail>;
  runsEvents(input: requests.RunsEventsInput, watching?: Watching): AsyncIterable<RunEvent>;
  /** How the call that made a run was answered: for a face whose answers outlive their connection. */
  runsAnswer(input: requests.RunsAnswerInput, viewer?: Viewer): Promise<RunAnswer>;
  /** Notes what a call was answered with, for as long as its run is kept. */
  keepAnswer(input: requests.KeepAnswerInput, viewer?: Viewer): Promise<void>;
  /** Tells of every change of the fleet, of runs and of sessions, in any process, until it is stopped. */
  watch(listener: (change: EngineChange) => void, viewer?: Viewer): () => void;
  /** The fleet, where it is known without asking anybody. */
  known?(): Promise<KnownInstance[]>;
  /** Begins to poll the fleet's health, and to take up the runs that other processes left open. */
  start(): void;
  /** Cancels every run at its instances, and waits until they have said what became of the work. */
  cancelAll(reason: string): Promise<void>;
  /** Waits up to `graceMs` for what still runs, then lets go of everything. */
  close(graceMs?: number): Promise<void>;
}

/** An engine that knows its fleet. */
export type WholeEngine = Engine & Required<Pick<Engine, "known">>;

export function createEngine(deps: EngineDependencies): WholeEngine {
  const { clock, logger, store, ids } = deps;
  const fleet = new Fleet(deps);
  const limits = () => ({ ...DEFAULT_RETENTION, ...deps.settings().retention });
  const keepMs = () => limits().ageMs;
  const journal = new RunJournal({ ...{ store, clock, ids, keepMs }, owner: deps.processes.self });
  const retention = new RetentionSweep({ clock, logger, journal, limits });
  const board = new PresenceBoard(deps);
  const orders = new CancelOrders(deps);
  const live = new LiveRuns({ clock, logger, journal, board, orders });
  const history = new HealthHistory(deps);
  const check = (instance: Instance): Promise<void> => health.check([instance]);
  const breakers = new Breakers({ ...deps, self: deps.processes.self, check });
  const health = new HealthMonitor({
    ...deps,
    ...{ breakers, history },
    known: () => fleet.known(),
    intervalMs: () => deps.settings().healthIntervalMs,
  });
  const records = new SessionRecords(store);
  const parts: EngineParts = {
    ...deps,
    ...{ fleet, health, journal, live, records, orders },
    ...{ history, breakers },
    slots: new Slots(),
    budget: new RetryBudget(() => clock.monotonic()),
    turns: new Turns(),
    lines: new SessionLines(),
    leaving: new Cancellation(),
    keys: new CallKeys({ ...deps, keepMs }),
    takeOver: (runId, from) => recovery.takeOver(runId, from),
  };
  const recovery = new Recovery(parts, board);
  return {
    delegate: (input, context) => delegate(parts, input, context),
    fanout: (input, context) => fanout(parts, input, context),
    orchestrate: async (input, context) =>
      (await import("./orchestrate/orchestrate.ts")).orchestrate(parts, input, context),
    aggregate: (input, context = {}) => aggregate(parts, input, context),
    sessionsSpawn: (input, context) => spawnSession(parts, input, context),
    sessionsSend: (input, context) => sendToSession(parts, input, context),
    sessionsList: (input, viewer = {}) => listSessions(parts, input, viewer),
    sessionsHistory: (input, viewer = {}) => sessionHistory(parts, input, viewer),
    sessionsClose: (input, viewer = {}) => closeSession(parts, input, viewer),
    health: (input) => checkHealth(parts, input),
    runsGet: (input, viewer = {}) => getRun(parts, input, viewer),
    runsList: (input, viewer = {}) => listRuns(parts, input, viewer),
    runsCancel: (input, viewer = {}) => cancelRun(parts, input, viewer),
    runsAnswer: (input, viewer = {}) => runAnswer(parts, input, viewer),
    keepAnswer: (input, viewer = {}) => keepAnswer(parts, input, viewer),
    runsEvents: (input, watching = {}) => runEvents(parts, input, watching),
    known: () => knownFleet(parts),
    watch: (listener, viewer = {}) => watchChanges(parts, listener, viewer),
    start: () => {
      health.start();
      recovery.start();
      retention.start();
    },
    cancelAll: async (reason) => {
      live.cancelAll(new OrchestratorError("cancelled", reason));
      await live.drain(10_000);
    },
    close: async (graceMs = 0) => {
      health.stop();
      recovery.stop();
      retention.stop();
      await live.drain(graceMs);
      parts.leaving.cancel();
      // Those who waited are told first: once a run is let go of, it can only be said to be lost.
      await setImmediate();
      await leave(board, live);
      await deps.clients.close();
      await Promise.all([history.idle(), breakers.idle()]);
      await store.close();
    },
  };
}

/** What has not ended by now is left to other processes. */
async function leave(board: PresenceBoard, live: LiveRuns): Promise<void> {
  const runsLeft = live.size > 0;
  live.letGo();
  // A store that cannot be written has told its callers; the process ends all the same.
  await board.leave(runsLeft).catch(() => {});
}

import type {
  AggregateAnswer,
  DelegateAnswer,
  FanoutAnswer,
  HistoryAnswer,
  InstanceHealth,
  Page,
  ResultPage,
  RunDetail,
  RunView,
  SendAnswer,
  SessionView,
  SpawnAnswer,
} from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type * as requests from "../core/requests.ts";
import { aggregate } from "./aggregate.ts";
import { delegate } from "./delegate.ts";
import type { EngineDependencies } from "./dependencies.ts";
import { fanout } from "./fanout.ts";
import { Fleet } from "./fleet.ts";
import { checkHealth } from "./health.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { LiveRuns } from "./live-runs.ts";
import type { EngineParts } from "./parts.ts";
import { RunJournal } from "./run-journal.ts";
import { cancelRun, getRun, listRuns } from "./runs.ts";
import { SessionLines } from "./session-line.ts";
import { SessionRecords } from "./session-records.ts";
import { spawnSession } from "./session-spawn.ts";
import { closeSession, listSessions, sendToSession, sessionHistory } from "./sessions.ts";

/** Every use case, as all faces call it. Each method rejects with an `OrchestratorError` alone. */
export interface Engine {
  delegate(input: requests.DelegateInput, context: CallContext): Promise<DelegateAnswer>;
  fanout(input: requests.FanoutInput, context: CallContext): Promise<FanoutAnswer>;
  aggregate(input: requests.AggregateInput): Promise<AggregateAnswer>;
  sessionsSpawn(input: requests.SessionsSpawnInput, context: CallContext): Promise<SpawnAnswer>;
  sessionsSend(input: requests.SessionsSendInput, context: CallContext): Promise<SendAnswer>;
  sessionsList(input: requests.SessionsListInput): Promise<Page<SessionView>>;
  sessionsHistory(input: requests.SessionsHistoryInput): Promise<HistoryAnswer>;
  sessionsClose(input: requests.SessionsCloseInput): Promise<SessionView>;
  health(input: requests.HealthInput): Promise<InstanceHealth[]>;
  runsGet(input: requests.RunsGetInput): Promise<RunDetail | ResultPage>;
  runsList(input: requests.RunsListInput): Promise<Page<RunView>>;
  runsCancel(input: requests.RunsCancelInput): Promise<RunDetail>;
  /** Begins to poll the fleet's health. */
  start(): void;
  /** Cancels every run at its instances, and waits until they have said what became of the work. */
  cancelAll(reason: string): Promise<void>;
  /** Waits up to `graceMs` for what still runs, then lets go of everything. */
  close(graceMs?: number): Promise<void>;
}

export function createEngine(deps: EngineDependencies): Engine {
  const { clock, logger, store, ids } = deps;
  const fleet = new Fleet(deps);
  const journal = new RunJournal({ store, clock, ids, owner: deps.processes.self });
  const live = new LiveRuns({ clock, logger, journal });
  const health = new HealthMonitor({
    ...deps,
    known: () => fleet.known(),
    intervalMs: () => deps.settings().healthIntervalMs,
  });
  const records = new SessionRecords(store);
  const parts: EngineParts = { ...deps, fleet, health, journal, live, records, lines: new SessionLines() };
  return {
    delegate: (input, context) => delegate(parts, input, context),
    fanout: (input, context) => fanout(parts, input, context),
    aggregate: (input) => aggregate(parts, input),
    sessionsSpawn: (input, context) => spawnSession(parts, input, context),
    sessionsSend: (input, context) => sendToSession(parts, input, context),
    sessionsList: (input) => listSessions(parts, input),
    sessionsHistory: (input) => sessionHistory(parts, input),
    sessionsClose: (input) => closeSession(parts, input),
    health: (input) => checkHealth(parts, input),
    runsGet: (input) => getRun(parts, input),
    runsList: (input) => listRuns(parts, input),
    runsCancel: (input) => cancelRun(parts, input),
    start: () => health.start(),
    cancelAll: async (reason) => {
      live.cancelAll(new OrchestratorError("cancelled", reason));
      await live.drain(10_000);
    },
    close: async (graceMs = 0) => {
      health.stop();
      await live.drain(graceMs);
      await deps.clients.close();
      await store.close();
    },
  };
}

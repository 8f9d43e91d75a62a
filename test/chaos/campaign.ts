import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/app/clock.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import { Caller } from "./caller.ts";
import { planCall, SESSIONS } from "./calls.ts";
import { check } from "./checker.ts";
import { readMessages, readRuns, readSessions } from "./evidence.ts";
import { FAULTS, type FaultName } from "./fault-plan.ts";
import { Fleet, pause } from "./fleet.ts";
import { Orchestrators } from "./orchestrators.ts";
import { seededRandom } from "./random.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scripts } from "./scripts.ts";
import { disturb } from "./signals.ts";
import type { Violation } from "./violation.ts";

/** How many calls are under way at once. */
const LANES = 24;
const INSTANCES = ["A", "B", "C", "D", "E", "F"];
const KEYED = ["E", "F"];
/** Dead processes' runs are taken over within their lease and settled within their deadline. */
const RECOVERY_MS = 45_000;

export interface CampaignOptions {
  seed: number;
  scripts: Scripts;
  /** Told of what has happened so far before each call: false ends the schedule. */
  goOn: (progress: Progress) => boolean;
  /** How many of the requests that carry work meet a fault, from 0 to 1. */
  rate?: number;
  sabotage?: Sabotage;
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  calls: number;
  elapsedMs: number;
  faults: ReadonlyMap<FaultName, number>;
}

export interface Report extends Progress {
  executions: number;
  runs: number;
  /** Runs that another process than those that were called has brought to their end. */
  takenOver: number;
  /** How often a session changed its owner. */
  moves: number;
  /** Requests that were refused since they came with the key before. */
  oldKeys: number;
  /** How many outcomes ended how. */
  outcomes: Map<string, number>;
  violations: Violation[];
}

/** One schedule that follows from its seed, played to its end, and what the checker found. */
export async function campaign(options: CampaignOptions): Promise<Report> {
  const { seed, scripts, goOn, rate = 0.2, sabotage } = options;
  const folder = await mkdtemp(join(tmpdir(), "chaos-"));
  const startedAt = performance.now();
  const faults = new Map<FaultName, number>(FAULTS.map((name) => [name, 0]));
  const onFault = (name: FaultName) => void faults.set(name, (faults.get(name) ?? 0) + 1);

  const fleet = new Fleet({
    seed,
    names: INSTANCES,
    keyed: KEYED,
    folder,
    script: scripts.instance,
    rate,
    onFault,
  });
  await fleet.start();
  const path = join(folder, "store.db");
  const orchestrators = new Orchestrators(
    scripts.orchestrator,
    { store: path, fleet: fleet.addresses, sabotage },
    onFault,
  );
  await orchestrators.start(3);
  const random = seededRandom(seed, "lanes");
  const caller = new Caller(orchestrators, random);
  for (const [sessionId, whenDown] of Object.entries(SESSIONS)) await caller.spawn(sessionId, whenDown);

  let calls = 0;
  const progress = (): Progress => ({ calls, elapsedMs: performance.now() - startedAt, faults });
  const disturbance = disturb(
    seededRandom(seed, "signals"),
    () => calls,
    fleet,
    orchestrators,
    INSTANCES,
    KEYED,
  );
  const lane = async () => {
    while (goOn(progress())) {
      await caller.make(planCall(seed, calls++, INSTANCES));
      options.onProgress?.(progress());
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await disturbance.end();
  fleet.calm();

  const store = await openSqliteStore({ path, clock: systemClock, logger: recordingLogger() });
  const patience = performance.now() + RECOVERY_MS;
  while (performance.now() < patience) {
    const runs = [...(await readRuns(store, { whole: false })).values()];
    if (runs.every(({ endedAt }) => endedAt !== undefined)) break;
    await pause(500);
  }
  await orchestrators.close();
  await fleet.close();

  const runs = await readRuns(store, { whole: true });
  const evidence = {
    ...caller.evidence,
    executions: fleet.executions,
    runs,
    messages: await readMessages(store),
    sessions: await readSessions(store),
    outages: fleet.outages,
    keyChanges: fleet.keyChanges,
    isTroubled: (key: string) => fleet.isTroubled(key),
    disturbed: orchestrators.disturbed,
    failures: orchestrators.failures,
  };
  await store.close();
  const violations = check(evidence);
  // What a failure left behind is worth reading.
  if (violations.length === 0 || sabotage !== undefined) await rm(folder, { recursive: true, force: true });
  const outcomes = new Map<string, number>();
  for (const { delivery, reply } of [...runs.values()].flatMap((run) => run.outcomes)) {
    const end = `${delivery}/${reply}`;
    outcomes.set(end, (outcomes.get(end) ?? 0) + 1);
  }
  const takenOver = [...runs.values()].filter(
    ({ owner, createdBy }) => !evidence.pids.get(createdBy)?.has(pidOf(owner)),
  );
  return {
    ...progress(),
    executions: evidence.executions.length,
    runs: runs.size,
    takenOver: takenOver.length,
    moves: evidence.sessions.reduce((sum, { moves = [] }) => sum + moves.length, 0),
    oldKeys: fleet.refused,
    outcomes,
    violations,
  };
}

/** The identity of a process has its pid in third place. */
function pidOf(owner: string): number {
  return (JSON.parse(owner) as [string, string, number])[2];
}

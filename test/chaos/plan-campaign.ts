import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/app/clock.ts";
import type { RunDetail } from "../../src/core/run-answers.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import { readRuns } from "./evidence.ts";
import { Fleet, pause } from "./fleet.ts";
import type { Execution } from "./ledger.ts";
import { Orchestrators } from "./orchestrators.ts";
import { checkPlan } from "./plan-checker.ts";
import { type PlannedStep, planSteps } from "./plan-steps.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scripts } from "./scripts.ts";
import type { Violation } from "./violation.ts";

const INSTANCES = ["A", "B", "C", "D", "E", "F", "G", "H"];
const PATIENCE_MS = 180_000;

export interface PlanReport {
  steps: number;
  kills: number;
  executions: Execution[];
  /** How many steps ended how. */
  states: Record<string, number>;
  seconds: number;
  violations: Violation[];
}

/** One plan of many steps over eight instances, whose orchestrators are killed until it has ended. */
export async function planCampaign(options: {
  seed: number;
  scripts: Scripts;
  steps: number;
  sabotage?: Sabotage;
}): Promise<PlanReport> {
  const { seed, scripts, sabotage } = options;
  const folder = await mkdtemp(join(tmpdir(), "chaos-plan-"));
  const startedAt = performance.now();
  let kills = 0;
  const fleet = new Fleet({
    ...{ seed, names: INSTANCES, keyed: [], folder, script: scripts.instance, rate: 0.05 },
    onFault: () => {},
  });
  await fleet.start();
  const path = join(folder, "store.db");
  const facts = { store: path, fleet: fleet.addresses, sabotage };
  const orchestrators = new Orchestrators(scripts.orchestrator, facts, (fault) => {
    if (fault === "SIGKILL of an orchestrator") kills += 1;
  });
  await orchestrators.start(3);
  const random = seededRandom(seed, "plan");
  const steps = planSteps(random, options.steps, INSTANCES);
  const runId = await begin(orchestrators, random, steps);

  let ended: RunDetail | undefined;
  const killing = (async () => {
    while (!ended && performance.now() - startedAt < PATIENCE_MS) {
      await pause(random.between(150, 600));
      const trouble = random.next();
      if (trouble < 0.8) await orchestrators.kill(random);
      else if (trouble < 0.9) await orchestrators.freeze(random, random.between(50, 1_500));
      else await fleet.kill(random.one(INSTANCES), random.between(50, 500));
    }
  })();
  while (!ended && performance.now() - startedAt < PATIENCE_MS) {
    const { reply } = await orchestrators.ask(random, {
      operation: "get",
      input: { runId, wait: 2 },
      createdBy: "plan",
    });
    const run = reply && "answer" in reply ? (reply.answer as unknown as RunDetail) : undefined;
    if (run?.state === "ended") ended = run;
  }
  await killing;
  fleet.calm();
  await orchestrators.close();
  await fleet.close();
  const store = await openSqliteStore({ path, clock: systemClock, logger: recordingLogger() });
  const runs = await readRuns(store, { whole: true });
  await store.close();
  const { executions } = fleet;
  const violations = checkPlan({ steps, ended, runs, executions, failures: orchestrators.failures });
  await rm(folder, { recursive: true, force: true });
  const states: Record<string, number> = {};
  for (const { state } of ended?.steps ?? []) states[state] = (states[state] ?? 0) + 1;
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  return { steps: steps.length, kills, executions, states, seconds, violations };
}

/** Hands the plan in, under one key however often that takes; the id of its run. */
async function begin(
  orchestrators: Orchestrators,
  random: SeededRandom,
  steps: readonly PlannedStep[],
): Promise<string> {
  const input = { steps, idempotencyKey: "the plan", wait: 0, timeout: "10m", concurrency: 24 };
  for (let tries = 0; tries < 20; tries++) {
    const { reply } = await orchestrators.ask(random, { operation: "orchestrate", input, createdBy: "plan" });
    if (reply && "answer" in reply) return String(reply.answer.runId);
    if (reply && "error" in reply && reply.error.code === "bad_request") throw new Error(reply.error.message);
  }
  throw new Error("The plan was not taken.");
}

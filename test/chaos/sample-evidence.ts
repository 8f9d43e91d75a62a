import { OrchestratorError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Run } from "../../src/core/run.ts";
import type { PlannedCall } from "./calls.ts";
import { check } from "./checker.ts";
import type { Evidence } from "./evidence.ts";
import type { Execution } from "./ledger.ts";

// What a blameless call leaves behind, for the tests of the checker to change.

export const call: PlannedCall = {
  callId: "call-1",
  operation: "delegate",
  input: {},
  idempotent: false,
  cancel: false,
  twice: false,
};
export const execution: Execution = {
  execution: "e1",
  instance: "A",
  key: "run-1/main/0/A/0",
  callId: "call-1",
  end: "done",
};
export const outcome: Outcome = {
  instance: "A",
  origin: "http://a.test",
  delivery: "accepted",
  reply: "done",
  result: { callId: "call-1", instance: "A", execution: "e1" },
};
export const error = new OrchestratorError("instance_error", "no").toBody();

/** One delegate that A has done, was told of and is stored; changed as the test says. */
export function evidence({
  executions = [execution],
  outcomes = [outcome],
  run = {},
  ...others
}: Partial<Omit<Evidence, "runs">> & { outcomes?: Outcome[]; run?: Partial<Run> } = {}): Evidence {
  const stored: Run = {
    runId: "run-1",
    operation: "delegate",
    createdAt: 1_000,
    deadlineAt: 9_000,
    endedAt: 2_000,
    createdBy: "call-1",
    owner: "p",
    explanation: { order: ["A"], excluded: [] },
    outcomes,
    attempts: [{ instance: "A", key: execution.key, startedAt: 1_000, delivery: "accepted", reply: "done" }],
    ...run,
  };
  return {
    calls: new Map([["call-1", call]]),
    pids: new Map([["call-1", new Set([1])]]),
    told: [{ call, runId: "run-1", outcomes: [outcome] }],
    executions,
    runs: new Map([[stored.runId, stored]]),
    messages: [],
    sessions: [],
    keyChanges: [],
    outages: [],
    isTroubled: () => false,
    disturbed: new Set(),
    failures: [],
    ...others,
  };
}

export const rules = (given: Evidence) => [...new Set(check(given).map(({ rule }) => rule))];
export const nothingTold = { told: [] };

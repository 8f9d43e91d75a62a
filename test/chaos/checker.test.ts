import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Run } from "../../src/core/run.ts";
import type { PlannedCall } from "./calls.ts";
import { check } from "./checker.ts";
import type { Evidence } from "./evidence.ts";
import type { Execution } from "./ledger.ts";

const call: PlannedCall = {
  callId: "call-1",
  operation: "delegate",
  input: {},
  idempotent: false,
  cancel: false,
  twice: false,
};
const execution: Execution = {
  execution: "e1",
  instance: "A",
  key: "run-1/main/0/A/0",
  callId: "call-1",
  end: "done",
};
const outcome: Outcome = {
  instance: "A",
  origin: "http://a.test",
  delivery: "accepted",
  reply: "done",
  result: { callId: "call-1", instance: "A", execution: "e1" },
};
const error = new OrchestratorError("instance_error", "no").toBody();

/** One delegate that A has done, was told of and is stored; changed as the test says. */
function evidence({
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
    outages: [],
    isTroubled: () => false,
    disturbed: new Set(),
    failures: [],
    ...others,
  };
}

const rules = (given: Evidence) => [...new Set(check(given).map(({ rule }) => rule))];
const nothingTold = { told: [] };

describe("the checker", () => {
  it("has nothing against a run that is told and stored as it was done", () => {
    expect(rules(evidence())).toEqual([]);
  });

  it("finds one task executed at two instances", () => {
    const elsewhere = { ...execution, execution: "e2", instance: "B", key: "run-1/main/0/B/0" };
    expect(rules(evidence({ executions: [execution, elsewhere] }))).toContain("twice");
  });

  it("finds one idempotency key with two runs", () => {
    const keyed = { ...call, input: { idempotencyKey: "k" } };
    const told = ["run-1", "run-2"].map((runId) => ({ call: keyed, runId, outcomes: [] }));
    expect(rules(evidence({ told }))).toContain("twice");
  });

  it("finds a run that was reported and is not stored", () => {
    expect(rules(evidence({ told: [{ call, runId: "run-2", outcomes: [] }] }))).toEqual(["lost"]);
  });

  it("finds an execution that no stored attempt announced", () => {
    expect(rules(evidence({ run: { attempts: [] } }))).toEqual(["lost"]);
  });

  it("finds a run without an end", () => {
    const { endedAt: _, ...run } = evidence().runs.get("run-1") as Run;
    expect(rules({ ...evidence(), runs: new Map([["run-1", run]]) })).toEqual(["open"]);
  });

  const untrue: [string, Partial<Outcome>, Execution[]][] = [
    ["not_sent and was executed", { delivery: "not_sent", reply: "none" }, [execution]],
    ["done and was not executed", {}, []],
    ["done with another result", {}, [{ ...execution, execution: "e2" }]],
    ["done and was cut off", {}, [{ ...execution, end: "cut" }]],
    ["failed and was done", { reply: "failed", error }, [execution]],
    ["cancelled and was done", { reply: "cancelled", error }, [execution]],
    ["pending in a run that has ended", { reply: "pending" }, [execution]],
    ["unknown for no reason", { delivery: "unknown", reply: "none", error }, [execution]],
  ];
  it.each(untrue)("finds an outcome that is %s", (_, change, executions) => {
    expect(rules(evidence({ ...nothingTold, outcomes: [{ ...outcome, ...change }], executions }))).toEqual([
      "untrue",
    ]);
  });

  it.each([
    ["a fault on its own request", { isTroubled: () => true }],
    ["an outage of its instance", { outages: [{ instance: "A", from: 500, until: 1_500 }] }],
    ["the death of the process that was called", { disturbed: new Set([1]) }],
  ])("accepts an unknown delivery that %s explains", (_, explained) => {
    const unknown: Outcome = { ...outcome, delivery: "unknown", reply: "none", error };
    expect(rules(evidence({ ...nothingTold, outcomes: [unknown], ...explained }))).toEqual([]);
  });

  it("does not accept another instance's outage for a reason", () => {
    const unknown: Outcome = { ...outcome, delivery: "unknown", reply: "none", error };
    const outages = [{ instance: "B", from: 500, until: 1_500 }];
    expect(rules(evidence({ ...nothingTold, outcomes: [unknown], outages }))).toEqual(["untrue"]);
  });

  it("finds an answer that says not_sent of work that was done", () => {
    const refused = { ...error, delivery: "not_sent" as const };
    expect(rules(evidence({ told: [{ call, runId: "run-1", outcomes: [], error: refused }] }))).toEqual([
      "untrue",
    ]);
  });

  it("finds a message that was executed and is not in the transcript", () => {
    const calls = new Map([["call-1", { ...call, operation: "send" as const }]]);
    expect(rules(evidence({ calls }))).toEqual(["lost"]);
  });

  it("passes on what went wrong with the processes", () => {
    expect(rules(evidence({ failures: ["process 1 ended by itself"] }))).toEqual(["broken"]);
  });
});

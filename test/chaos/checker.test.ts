import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Run } from "../../src/core/run.ts";
import type { PlannedCall } from "./calls.ts";
import type { Execution } from "./ledger.ts";
import { call, error, evidence, execution, nothingTold, outcome, rules } from "./sample-evidence.ts";

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

  it("finds an answer that leaves the result of finished work out", () => {
    const { result: _, ...resultless } = outcome;
    expect(rules(evidence({ told: [{ call, runId: "run-1", outcomes: [resultless] }] }))).toEqual(["untrue"]);
  });

  it("finds an answer that is done and is stored otherwise, unless it says that its run was taken over", () => {
    const unknown: Outcome = { ...outcome, delivery: "unknown", reply: "none", error };
    const outages = [{ instance: "A", from: 500, until: 1_500 }];
    const told = { call, runId: "run-1", outcomes: [outcome] };
    expect(rules(evidence({ told: [told], outcomes: [unknown], outages }))).toEqual(["untrue"]);
    const late = { ...told, takenOver: true };
    expect(rules(evidence({ told: [late], outcomes: [unknown], outages }))).toEqual([]);
    const madeUp = { ...late, outcomes: [{ ...outcome, result: { execution: "e2" } }] };
    expect(rules(evidence({ told: [madeUp], outcomes: [unknown], outages }))).toEqual(["untrue"]);
  });

  it("finds the key of a send with two runs", () => {
    const keyed: PlannedCall = { ...call, operation: "send", input: { idempotencyKey: "k" } };
    const told = ["run-1", "run-2"].map((runId) => ({ call: keyed, runId, outcomes: [] }));
    expect(rules(evidence({ told }))).toContain("twice");
  });

  it("passes on what went wrong with the processes", () => {
    expect(rules(evidence({ failures: ["process 1 ended by itself"] }))).toEqual(["broken"]);
  });
});

import { describe, expect, it } from "vitest";
import type { AggregateAnswer, FanoutAnswer } from "../../src/core/answers.ts";
import { runCli } from "./harness.ts";

const fanned: FanoutAnswer = {
  ...{ runId: "run-2", complete: true, timedOut: false },
  counts: { total: 2, done: 1, failed: 1, pending: 0, cancelled: 0 },
  outcomes: [
    { instance: "A", delivery: "accepted", reply: "done", result: "said" },
    { instance: "B", delivery: "not_sent", reply: "none" },
  ],
};

describe("an aggregate for a person", () => {
  const table = (args: string[], played: Parameters<typeof runCli>[1]) =>
    runCli([...args, "--output", "table"], played);

  it("says of a partial aggregate in its first line that it is one, and who is missing and why", async () => {
    const aggregate: AggregateAnswer = {
      ...{ strategy: "numeric", value: { count: 1 }, sources: ["A"], dissent: [], complete: false },
      missing: [
        { instance: "B", delivery: "not_sent", reply: "none" },
        { instance: "C", delivery: "accepted", reply: "done", why: "no number: x" },
      ],
    };
    const fanout = async () => ({ ...fanned, aggregate });
    const { stdout } = await table(["fanout", "--aggregate", "numeric"], { fanout });
    expect(stdout).toContain("\n\nPartial, without B (none), C (no number: x): numeric of A:\n{\n");
    const words = ["aggregate", "--run-id", "run-1", "--strategy", "numeric"];
    const alone = await table(words, { aggregate: async () => aggregate });
    expect(alone.stdout).toMatch(/^Partial, without B \(none\), C \(no number: x\): numeric of A:/);
    expect(alone.code).toBe(3);
  });

  it.each<[string, Partial<AggregateAnswer>, number, string]>([
    ["a quorum that is met needs no more", { strategy: "quorum", consensus: true }, 0, "quorum of A:"],
    [
      "no consensus",
      { strategy: "majority", consensus: false, sources: [], value: null },
      3,
      "majority: no_consensus among 0 answers",
    ],
    [
      "one who is still at it",
      { strategy: "reduce", pending: true, value: null, by: { instance: "J", runId: "run-9" } },
      6,
      "reduce: J is still at it; wait for it with `orchestrator runs wait run-9`",
    ],
    [
      "a verdict",
      {
        strategy: "judge",
        by: { instance: "J", runId: "r" },
        verdict: { choice: 1, instance: "A", reason: "so" },
      },
      3,
      "judge of A, by J:",
    ],
  ])("tells %s", async (_, facts, code, words) => {
    const aggregate: AggregateAnswer = {
      ...{ strategy: "first", value: 1, sources: ["A"], dissent: [], missing: [], complete: true },
      ...facts,
    };
    const fanout = async () => ({ ...fanned, aggregate });
    const answer = await table(["fanout", "--aggregate", "first"], { fanout });
    expect(answer.stdout).toContain(words);
    expect(answer.code).toBe(code);
  });
});

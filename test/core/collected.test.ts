import { describe, expect, it } from "vitest";
import type { OutcomeView } from "../../src/core/answers.ts";
import { collectedEntries } from "../../src/core/collected.ts";
import { OrchestratorError } from "../../src/core/errors.ts";

const error = new OrchestratorError("instance_down", "B does not listen.").toBody();

describe("what a fan-out collects", () => {
  it("is one entry a target, in target order", () => {
    const outcomes: OutcomeView[] = [
      { instance: "C", delivery: "accepted", reply: "done", result: { n: 1 }, elapsedMs: 3 },
      { instance: "B", delivery: "not_sent", reply: "none", error },
      { instance: "A", delivery: "accepted", reply: "pending" },
      { instance: "D", delivery: "accepted", reply: "cancelled", error },
    ];
    expect(collectedEntries(outcomes)).toEqual([
      { instance: "C", reply: "done", result: { n: 1 } },
      { instance: "B", reply: "none", delivery: "not_sent", error },
      { instance: "A", reply: "pending", delivery: "accepted" },
      { instance: "D", reply: "cancelled", delivery: "accepted", error },
    ]);
  });

  it("keeps a result that is nothing, and does not invent one that could not be kept", () => {
    expect(
      collectedEntries([
        { instance: "A", delivery: "accepted", reply: "done", result: null },
        { instance: "B", delivery: "accepted", reply: "done" },
      ]),
    ).toEqual([
      { instance: "A", reply: "done", result: null },
      { instance: "B", reply: "done", delivery: "accepted" },
    ]);
  });
});

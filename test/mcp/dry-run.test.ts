import { describe, expect, it } from "vitest";
import type { DryRunAnswer } from "../../src/core/answers.ts";
import { answered } from "./tools/engine-says.ts";

const said = (
  operation: DryRunAnswer["operation"],
  explanation: Partial<DryRunAnswer["explanation"]>,
): DryRunAnswer => ({ dryRun: true, operation, explanation: { order: [], excluded: [], ...explanation } });

const lines = async (answer: DryRunAnswer) => {
  const { text, structured } = await answered(
    answer.operation,
    answer,
    answer.operation,
    answer.operation === "delegate" ? { instances: ["A"], dryRun: true } : { targets: ["A"], dryRun: true },
  );
  expect(structured).toEqual(answer);
  return text.split("\n");
};

describe("a dry run", () => {
  it("of delegate tells the order, who is left out and why, and what else bears on it", async () => {
    const answer = said("delegate", {
      order: ["B", "C", "D"],
      excluded: [{ instance: "A", reason: "down: connection\nrefused" }],
      pick: "least-busy",
      notes: ["D stands back: draining: stopping."],
    });
    expect(await lines(answer)).toEqual([
      "Nothing was sent or stored. It would ask B, then C, D if it cannot.",
      "A would be left out (down: connection refused).",
      "The order is that of pick least-busy, as things stand now.",
      "D stands back: draining: stopping.",
    ]);
    expect(await lines(said("delegate", { order: ["B"] }))).toEqual([
      "Nothing was sent or stored. It would ask B.",
    ]);
  });

  it("of fanout tells who is asked together, or that nobody is", async () => {
    expect(await lines(said("fanout", { order: ["A", "B"] }))).toEqual([
      "Nothing was sent or stored. It would ask A, B.",
    ]);
    expect(await lines(said("fanout", { excluded: [{ instance: "A", reason: "down: x" }] }))).toEqual([
      "Nothing was sent or stored. Nobody would be asked.",
      "A would be left out (down: x).",
    ]);
  });
});

import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { optionProblems, STANDALONE_STRATEGIES } from "../../../src/core/aggregation/options.ts";
import { AGGREGATION_STRATEGIES, type AggregateOptions } from "../../../src/core/aggregation/strategy.ts";
import type { OrchestratorError } from "../../../src/core/errors.ts";
import { aggregateInput, fanoutInput } from "../../../src/core/requests.ts";
import { validate } from "../../../src/core/validate.ts";

function refusal(schema: z.ZodType, input: unknown): string {
  try {
    validate(schema, input);
  } catch (error) {
    return `${(error as OrchestratorError).code}: ${(error as OrchestratorError).message}`;
  }
  throw new Error(`${JSON.stringify(input)} was accepted`);
}

const EVERYTHING: Required<AggregateOptions> = {
  ...({ path: "a", key: "a", limit: 1, separator: "", normalize: "trim", quorum: 1, order: "asc" } as const),
  ...{ instance: "A", instruction: "x" },
};

describe("the options of a strategy", () => {
  it.each(AGGREGATION_STRATEGIES)("%s takes those that it knows, and names every other one", (strategy) => {
    const strange = optionProblems({ strategy, ...EVERYTHING }).map(({ option }) => option);
    const own = Object.fromEntries(
      Object.entries(EVERYTHING).filter(([name]) => !strange.includes(name as never)),
    );
    expect(fanoutInput.parse({ targets: "A", aggregate: { strategy, ...own } }).aggregate).toEqual({
      strategy,
      ...own,
    });
    for (const option of strange) {
      const given = { strategy, ...own, [option]: EVERYTHING[option] };
      expect(refusal(fanoutInput, { targets: "A", aggregate: given })).toMatch(
        `bad_request: aggregate.${option}: ${strategy} takes no ${option}, which is for`,
      );
      expect(refusal(aggregateInput, { runId: "r", ...given })).toMatch(
        `bad_request: ${option}: ${strategy} takes no`,
      );
    }
  });

  it.each([
    ["quorum", "quorum"],
    ["top", "path"],
    ["judge", "instance"],
  ])("%s without its %s is refused, as a word too", (strategy, option) => {
    const expected = `bad_request: aggregate.${option}: ${strategy} needs it`;
    expect(refusal(fanoutInput, { targets: "A", aggregate: { strategy } })).toBe(expected);
    expect(refusal(fanoutInput, { targets: "A", aggregate: strategy })).toBe(expected);
  });

  it("are none for those that stand alone", () => {
    for (const strategy of STANDALONE_STRATEGIES)
      expect(fanoutInput.parse({ targets: "A", aggregate: strategy }).aggregate).toEqual({ strategy });
    expect(STANDALONE_STRATEGIES).not.toContain("reduce");
  });

  it("are of their kinds: a path is one, and only who asks takes a time", () => {
    expect(refusal(aggregateInput, { runId: "r", strategy: "numeric", path: "a..b" })).toContain(
      "path: expected a path",
    );
    expect(refusal(aggregateInput, { runId: "r", strategy: "merge", timeout: "5s" })).toBe(
      "bad_request: timeout: merge takes no timeout, which is for reduce, judge",
    );
    const judged = { runIds: ["r"], strategy: "judge", instance: "A", timeout: "5s", wait: 0 };
    expect(aggregateInput.parse(judged)).toMatchObject({ timeout: 5_000, wait: 0 });
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accumulator, aggregate } from "../../../src/core/aggregation/aggregate.ts";
import {
  AGGREGATION_STRATEGIES,
  type AggregateOptions,
  asks,
  type PureStrategy,
} from "../../../src/core/aggregation/strategy.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import { canonicalJson, type Json } from "../../../src/core/json.ts";
import { anyResults, anyTextResults, resultsOf } from "./arbitraries.ts";

const PURE = AGGREGATION_STRATEGIES.filter((strategy): strategy is PureStrategy => !asks(strategy));
/** What each needs to be told, and what leads to something in answers of {@link anyResults}. */
const OPTIONS: Partial<Record<PureStrategy, AggregateOptions>> = {
  quorum: { quorum: 2 },
  top: { path: "a" },
};

function failure(work: () => unknown): OrchestratorError {
  try {
    work();
  } catch (error) {
    return error as OrchestratorError;
  }
  throw new Error("nothing was thrown");
}

describe("aggregate", () => {
  it.each(PURE)("%s without any answer is aggregate_failed and says so", (strategy) => {
    const error = failure(() => aggregate(strategy, []));
    expect(error).toBeInstanceOf(OrchestratorError);
    expect(error.code).toBe("aggregate_failed");
    expect(error.message).toBe(`There is no answer to combine with ${strategy}.`);
    expect(error.action).toContain("outcomes");
  });

  it.each(PURE)(
    "%s makes JSON of any answers or says aggregate_failed, and leaves them as they were",
    (strategy) => {
      fc.assert(
        fc.property(fc.oneof(anyResults, anyTextResults), (results) => {
          const before = JSON.stringify(results);
          try {
            const {
              value,
              sources,
              unused = [],
              consensus,
            } = aggregate(strategy, results, OPTIONS[strategy]);
            expect(JSON.parse(JSON.stringify(value))).toEqual(value);
            const asked = results.map(({ instance }) => instance);
            expect(sources).toEqual(asked.filter((instance) => sources.includes(instance)));
            expect(sources.length > 0).toBe(consensus !== false);
            for (const { instance, why } of unused) {
              expect(sources).not.toContain(instance);
              expect(why).toMatch(/\w/);
            }
          } catch (error) {
            if (!(error instanceof OrchestratorError)) throw error;
            expect(error.code).toBe("aggregate_failed");
            expect(["rank-fusion", "unique", "numeric", "top"]).toContain(strategy);
          }
          expect(JSON.stringify(results)).toBe(before);
        }),
      );
    },
  );

  it.each(PURE)("%s comes to the same in whatever order the answers arrive", (strategy) => {
    const shuffled = fc
      .oneof(anyResults, anyTextResults)
      .chain((results) =>
        fc.tuple(
          fc.constant(results),
          fc.shuffledSubarray(results, { minLength: results.length, maxLength: results.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([inOrder, asTheyCame]) => {
        const [expected, found] = [inOrder, asTheyCame].map((results) => {
          const answers = accumulator(strategy, OPTIONS[strategy]);
          for (const result of results) answers.add(result);
          try {
            return JSON.stringify(answers.result());
          } catch (error) {
            return (error as OrchestratorError).code;
          }
        });
        expect(found).toBe(expected);
      }),
    );
  });

  it.each(["merge", "concat", "rank-fusion", "majority", "quorum", "unique"] as const)(
    "%s of answers that are nested too deeply is aggregate_failed, not a crash",
    (strategy) => {
      const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`) as Json;
      const error = failure(() => aggregate(strategy, resultsOf([deep, [1]]), OPTIONS[strategy]));
      expect(error.code).toBe("aggregate_failed");
      expect(error.message).toContain("nested too deeply");
    },
  );
});

describe("collect", () => {
  it("lists every answer beside its instance, in target order", () => {
    const results = [
      { instance: "C", result: { a: 1 } },
      { instance: "A", result: null },
    ];
    expect(aggregate("collect", results)).toEqual({ value: results, sources: ["C", "A"] });
  });

  it("says of which run an answer is where there are several", () => {
    const results = [
      { instance: "A", runId: "r1", result: 1 },
      { instance: "A", runId: "r2", result: 2 },
    ];
    expect(aggregate("collect", results)).toEqual({ value: results, sources: ["A"] });
  });

  it("loses nothing of any answer", () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const given = results.map(({ instance, result }) => ({ instance, result }));
        expect(canonicalJson(aggregate("collect", results).value)).toBe(canonicalJson(given));
      }),
    );
  });
});

describe("first", () => {
  it("is the first answer in target order, even if that is null", () => {
    const results = [
      { instance: "B", result: null },
      { instance: "A", result: 1 },
    ];
    expect(aggregate("first", results)).toEqual({ value: null, sources: ["B"] });
  });

  it("is always the first answer as it is", () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        expect(aggregate("first", results).value).toBe(results[0]?.result);
      }),
    );
  });
});

describe("concat", () => {
  it("joins the answers' texts with an empty line unless told otherwise", () => {
    const results = resultsOf(["one", { message: "two" }, { text: "three" }]);
    expect(aggregate("concat", results)).toEqual({
      value: "one\n\ntwo\n\nthree",
      sources: ["A", "B", "C"],
    });
    expect(aggregate("concat", results, { separator: " | " }).value).toBe("one | two | three");
    expect(aggregate("concat", results, { separator: "" }).value).toBe("onetwothree");
  });

  it("writes what is no text as JSON, so that nothing of an answer is lost", () => {
    const results = resultsOf([{ message: "m", model: "x" }, { message: 1 }, { other: "o" }, [1], null, {}]);
    expect(aggregate("concat", results, { separator: "\n" }).value).toBe(
      '{"message":"m","model":"x"}\n{"message":1}\n{"other":"o"}\n[1]\nnull\n{}',
    );
  });
});

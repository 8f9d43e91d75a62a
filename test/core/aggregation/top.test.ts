import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accumulator, aggregate } from "../../../src/core/aggregation/aggregate.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

const topOf = (answers: Json[], options = {}) =>
  aggregate("top", resultsOf(answers), { path: "score", ...options });

describe("top", () => {
  it("has the entries with the best scores first, of whomever, and leaves out those without", () => {
    const answers: Json[] = [
      [{ score: 1, n: "a" }, { n: "none" }],
      {
        hits: [
          { score: "9", n: "b" },
          { score: 1, n: "c" },
        ],
      },
      'Mine: {"score": 5, "n": "d"}',
      "no score",
    ];
    const { value, ...rest } = topOf(answers);
    expect((value as { entry: { n: string } }[]).map(({ entry }) => entry.n ?? entry)).toEqual([
      "b",
      'Mine: {"score": 5, "n": "d"}',
      "a",
      "c",
    ]);
    expect((value as object[])[0]).toEqual({ score: 9, entry: { score: "9", n: "b" }, instance: "B" });
    expect(rest).toEqual({
      sources: ["A", "B", "C"],
      unused: [{ instance: "D", place: 3, why: "no number at score" }],
      extracted: ["C"],
    });
  });

  it("has the lowest first if told so, and keeps the best under a limit", () => {
    const scores = (options: object) =>
      (topOf([[{ score: 2 }, { score: 3 }], { score: 1 }], options).value as { score: number }[]).map(
        ({ score }) => score,
      );
    expect(scores({})).toEqual([3, 2, 1]);
    expect(scores({ order: "asc" })).toEqual([1, 2, 3]);
    expect(scores({ limit: 1 })).toEqual([3]);
  });

  it("says aggregate_failed where no entry has a score", () => {
    expect(() => topOf([[{ n: 1 }], "x"])).toThrow(/top found no entry with a number at score in any of 2/);
  });

  it("is the head of all entries in order, whatever the limit and the order of arrival", () => {
    const anyScores = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(anyScores, fc.integer({ min: 1, max: 10 }), fc.boolean(), (scores, limit, rising) => {
        const order = rising ? "asc" : "desc";
        const answers = scores.map((list) => list.map((score) => ({ score })));
        const sorted = scores.flat().sort((a, b) => (rising ? a - b : b - a));
        const reversed = accumulator("top", { path: "score", limit, order });
        for (const result of resultsOf(answers).reverse()) reversed.add(result);
        const found = topOf(answers, { limit, order }).value as { score: number }[];
        expect(found.map(({ score }) => score)).toEqual(sorted.slice(0, limit));
        expect(reversed.result().value).toEqual(found);
      }),
    );
  });
});

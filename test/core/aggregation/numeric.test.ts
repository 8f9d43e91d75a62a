import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregate } from "../../../src/core/aggregation/aggregate.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

const figuresOf = (answers: Json[], path?: string) => aggregate("numeric", resultsOf(answers), { path });

describe("numeric", () => {
  it("figures over the numbers at a path, also of text and of JSON within text", () => {
    const answers = [{ s: 1 }, { s: " 3 " }, 'So: {"s": 8}', { s: "many" }, "none", { s: null }];
    expect(figuresOf(answers, "s")).toEqual({
      value: {
        count: 3,
        sum: 12,
        mean: 4,
        median: 3,
        min: 1,
        max: 8,
        spread: 7,
        deviation: Math.sqrt(26 / 3),
      },
      sources: ["A", "B", "C"],
      unused: [
        { instance: "D", place: 3, why: "no number at s: many" },
        { instance: "E", place: 4, why: "nothing at s" },
        { instance: "F", place: 5, why: "no number at s: null" },
      ],
      extracted: ["C"],
    });
  });

  it("of whole answers counts numbers and text that is one, and the mean of the middle two is the median", () => {
    const { value, unused } = figuresOf([
      2,
      "1e1",
      { message: "-4" },
      "0x10",
      "about 3",
      "",
      true,
      { text: "+.5" },
    ]);
    expect(value).toMatchObject({ count: 4, sum: 8.5, median: 1.25, min: -4, max: 10 });
    expect(unused?.map(({ instance }) => instance)).toEqual(["D", "E", "F", "G"]);
  });

  it("says aggregate_failed where there is no number, and where they are too large", () => {
    expect(() => figuresOf(["x", {}])).toThrow(
      /numeric found no number in any of 2 answers; A: no number: x/,
    );
    expect(() => figuresOf([1e308, 1e308])).toThrow("too large to be added up");
  });

  it("quotes no more than the beginning of what is no number", () => {
    const [first] = figuresOf([1, "x".repeat(1_000_000)]).unused ?? [];
    expect(first?.why.length).toBeLessThan(120);
  });

  it("agrees with the definitions", () => {
    const anyNumbers = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(anyNumbers, (numbers) => {
        const value = figuresOf(numbers).value as Record<string, number>;
        const [sum, count] = [numbers.reduce((a, b) => a + b, 0), numbers.length];
        expect(value).toMatchObject({ sum, count, min: Math.min(...numbers), max: Math.max(...numbers) });
        expect(value.spread).toBe((value.max as number) - (value.min as number));
        const mean = sum / count;
        expect(value.mean).toBe(mean);
        const variance = numbers.reduce((total, each) => total + (each - mean) ** 2, 0) / count;
        expect(value.deviation).toBeCloseTo(Math.sqrt(variance), 5);
        const below = numbers.filter((each) => each <= (value.median as number)).length;
        const above = numbers.filter((each) => each >= (value.median as number)).length;
        expect(Math.min(below, above)).toBeGreaterThanOrEqual(count / 2);
      }),
    );
  });
});

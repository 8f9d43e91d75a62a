import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/core/json.ts";
import { keepText } from "../../src/core/json-text.ts";
import { excerpts, shownChars } from "../../src/mcp/excerpt.ts";

const room = (total: number, each = total) => ({ total, each });

const values = fc.array(
  fc.oneof(fc.string({ maxLength: 400, unit: "grapheme" }), fc.jsonValue() as fc.Arbitrary<Json>),
  {
    maxLength: 12,
  },
);

describe("excerpts", () => {
  it("never show more than the budget, all together", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 600 }), (given, budget) => {
        expect(shownChars(excerpts(given, room(budget)))).toBeLessThanOrEqual(budget);
      }),
    );
  });

  it("are the beginning of each value, and say how long the whole is", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 600 }), (given, budget) => {
        for (const [index, { text, chars, whole }] of excerpts(given, room(budget)).entries()) {
          const value = given[index];
          const all = typeof value === "string" ? value : JSON.stringify(value);
          expect(all.startsWith(text)).toBe(true);
          expect(chars).toBe(all.length);
          expect(whole).toBe(text === all);
        }
      }),
    );
  });

  it("show everything whole where it fits", () => {
    expect(excerpts(["aaaa", { b: 1 }, null], room(15)).every(({ whole }) => whole)).toBe(true);
  });

  it("leave small values whole and cut the large ones alike", () => {
    const shown = excerpts(["x".repeat(90), "y".repeat(10), "z".repeat(5_000)], room(100));
    expect(shown.map(({ text }) => text.length)).toEqual([45, 10, 45]);
    expect(shown.map(({ whole }) => whole)).toEqual([false, true, false]);
  });

  it("are of the text that the value was parsed from, which is what runs_get reads on in", () => {
    const text = '{"n":12345678901234567890}';
    const value = keepText(JSON.parse(text), text);
    expect(excerpts([value, value], room(30))).toEqual([
      { text: text.slice(0, 15), chars: 26, whole: false },
      { text: text.slice(0, 15), chars: 26, whole: false },
    ]);
  });

  it("never cut a character in two", () => {
    expect(excerpts(["ab😀cd"], room(3))).toEqual([{ text: "ab", chars: 6, whole: false }]);
    expect(excerpts(["ab😀cd"], room(4))).toEqual([{ text: "ab😀", chars: 6, whole: false }]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutAt } from "../../src/mcp/cut.ts";

/** What is shown of a text. */
const cut = (text: string, most: number, isJson?: boolean) => text.slice(0, cutAt(text, most, isJson));

describe("a text that is too long", () => {
  const words = "one two three four five six seven eight nine ten";

  it.each([
    ["a paragraph", `${words}.\n\nNew one. And\nmore words`, 64, `${words}.\n\n`],
    ["a line, where no paragraph ends near", `${words}.\nA line. And more words here`, 64, `${words}.\n`],
    [
      "a sentence, where no line does",
      `${words}? He said "no." And more words`,
      66,
      `${words}? He said "no." `,
    ],
    ["a sentence without spaces", `${"字".repeat(40)}。${"字".repeat(40)}`, 50, `${"字".repeat(40)}。`],
    ["a word, where no sentence does", words, 45, words.slice(0, 45).replace(/\S+$/, "")],
  ])("is cut behind %s", (_, text, most, shown) => {
    expect(cut(text, most)).toBe(shown);
  });

  it("is cut where the room ends if there is no better place near there, and never within a character", () => {
    expect(cut("x".repeat(100), 60)).toBe("x".repeat(60));
    expect(cut(`a b${"x".repeat(100)}`, 60)).toHaveLength(60);
    expect(cut("ab😀cd", 3)).toBe("ab");
  });

  it("that is JSON is cut behind an element of the outermost list or object that has one there", () => {
    const rows = JSON.stringify(Array.from({ length: 40 }, (_, id) => ({ id, text: "a, b" })));
    const shown = cut(rows, 200, true);
    expect(shown).toMatch(/\},$/);
    expect(JSON.parse(`${shown.slice(0, -1)}]`)).toHaveLength(shown.split("},").length - 1);
  });

  it("that is JSON is not cut at a comma within a string, but at a word of it", () => {
    const json = JSON.stringify({ text: `${'a, b\\", '.repeat(100)}` });
    expect(cut(json, 200, true)).toMatch(/ $/);
    expect(cut(JSON.stringify(["x".repeat(300)]), 200, true)).toHaveLength(200);
  });

  it("keeps at least three quarters of the room, and never more than it, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 300 }),
        fc.nat(400),
        fc.boolean(),
        (text, most, isJson) => {
          const shown = cut(text, most, isJson);
          expect(shown.length).toBeLessThanOrEqual(most);
          expect(shown.length).toBeGreaterThanOrEqual(Math.min(text.length, most - (most >> 2) - 1));
          expect(shown.isWellFormed()).toBe(true);
        },
      ),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excerpt, oneLine, plain, readable, span, wrap } from "../../src/cli/text.ts";

describe("what instances say, on a terminal", () => {
  it("moves no cursor, hides nothing and does not turn around", () => {
    const said = "a\u001b[2J\u001b]0;title\u0007b\u009b31mc\u202ed\u0000\te\nf\r";
    expect(plain(said)).toBe("abcd\te\nf");
  });

  it("has no control character left, whatever it was", () => {
    const control = fc.constantFrom("\u001b", "[", "]", "\u009b", "\u0007", "3", "m", "\u202e", "x", "\r");
    fc.assert(
      fc.property(fc.array(control), (parts) => {
        expect(plain(parts.join(""))).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
      }),
    );
  });

  it("is one line that says where it was cut", () => {
    expect(oneLine("a \n\n b\tc", 20)).toBe("a b c");
    expect(oneLine("abcdef", 6)).toBe("abcdef");
    expect(oneLine("abcdefg", 6)).toBe("abcde…");
    expect(oneLine(`${" ".repeat(100)}x`, 6)).toMatch(/…$/);
  });

  it("is text as it was written, and anything else as JSON", () => {
    expect(excerpt("two\nlines", 20)).toBe("two lines");
    expect(excerpt({ a: [1] }, 20)).toBe('{"a":[1]}');
    expect(readable("two\nlines")).toBe("two\nlines");
    expect(readable({ a: 1 })).toBe('{\n  "a": 1\n}');
  });
});

describe("spans", () => {
  it.each([
    [undefined, ""],
    [0.4, "0 ms"],
    [999, "999 ms"],
    [1340, "1.3 s"],
    [62_000, "62.0 s"],
  ])("%s is %j", (ms, text) => expect(span(ms)).toBe(text));
});

describe("wrapped text", () => {
  it("breaks at spaces, and within a word that is too long", () => {
    expect(wrap("the quick brown fox", 10)).toEqual(["the quick", "brown fox"]);
    expect(wrap("abcdefghijkl", 5)).toEqual(["abcde", "fghij", "kl"]);
    expect(wrap("short", 10)).toEqual(["short"]);
  });

  it("loses nothing but spaces and is never too wide", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.every((line) => line.length <= width)).toBe(true);
        expect(lines.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listing, oneLine, quote, quoteExcerpt, readResult, span } from "../../src/mcp/words.ts";

describe("a quotation", () => {
  it("of one line stands as it is", () => {
    expect(quote('{"a":1}')).toBe('{"a":1}');
  });

  it("of several lines stands in a fence", () => {
    expect(quote("one\ntwo")).toBe("\n```\none\ntwo\n```");
  });

  it("cannot be ended from within, whatever an instance says", () => {
    const words = fc.array(fc.constantFrom("`", "```", "````\n", "\n", "\r", "\u2028", "D failed", "a"), {
      minLength: 1,
    });
    fc.assert(
      fc.property(words, (parts) => {
        const said = `${parts.join("")}\n`;
        const [fence = "", ...rest] = quote(said).slice(1).split("\n");
        expect(fence).toMatch(/^`{3,}$/);
        expect(rest.at(-1)).toBe(fence);
        expect(said).not.toContain(fence);
      }),
    );
  });

  it("that was cut says how to read on", () => {
    const excerpt = { text: "abc", chars: 9, whole: false };
    expect(quoteExcerpt(excerpt, (offset) => readResult("run-1", "A", offset))).toBe(
      'abc\n[cut after 3 of 9 characters; read on with runs_get {"runId":"run-1","instance":"A","offset":3}]',
    );
  });
});

describe("one line", () => {
  it("holds neither line breaks nor more than it may", () => {
    expect(oneLine("  a\n b\r\nc\u2028d ")).toBe("a b c d");
    expect(oneLine("x".repeat(5_000))).toHaveLength(400);
  });
});

describe("a span", () => {
  it.each([
    [0.4, "0 ms"],
    [142.3, "142 ms"],
    [12_340, "12.3 s"],
  ])("of %d ms is %s", (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});

describe("a listing", () => {
  it("has a line an item and says how to turn the page", () => {
    expect(listing("runs_list", "run", { items: ["a", "b"], next: "b" }, (item) => `- ${item}`)).toBe(
      '2 runs:\n- a\n- b\nThere are more: runs_list {"after":"b"}',
    );
  });

  it("says that there is nothing", () => {
    expect(listing("runs_list", "run", { items: [] }, String)).toBe("There is no run.");
    expect(listing("runs_list", "run", { items: [] }, String, "run-1")).toBe("There is no further run.");
  });
});

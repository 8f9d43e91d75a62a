import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractJson } from "../../../src/core/aggregation/extract-json.ts";
import { spansOfJson } from "../../../src/core/aggregation/scan-json.ts";
import type { Json } from "../../../src/core/json.ts";
import { anyJson } from "./arbitraries.ts";

const isContainer = (json: Json) => typeof json === "object" && json !== null;
const isWorthIt = (json: Json) => isContainer(json) && JSON.stringify(json).length > 4;
const anyContainer = anyJson.filter(isWorthIt);
/** Prose without brackets, which could be JSON themselves. */
const anyProse = fc.string({ maxLength: 40 }).map((text) => text.replace(/[[\]{}`"\\]/g, "'"));

describe("JSON within text", () => {
  it.each<[string, Json | undefined]>([
    ['{"a":1}', { a: 1 }],
    [" \ufeff[1,2]\n", [1, 2]],
    ['Sure! {"a":1} Anything else?', { a: 1 }],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ['First:\n```json\n{"draft":1}\n```\nNo, better:\n```\n{"a":1}\n```\nDone.', { a: 1 }],
    ['```python\nprint({})\n```\n{"a":[1,{"b":2}]}', { a: [1, { b: 2 }] }],
    ['```json\n{"a":1,"cut off', undefined],
    ['```json\n{"code":"```js\\nx\\n```"}\n```', { code: "```js\nx\n```" }],
    ['{{"a":1}}', { a: 1 }],
    ['[note: {"a":"]}"} and more', { a: "]}" }],
    ['["unfinished, then {"a":1}', undefined],
    ['He wrote ["\nand then {"a":1}', { a: 1 }],
    ['[1, {"a":1}, oops', { a: 1 }],
    ["as [1] and [ ] and {} show", undefined],
    ["Scores: [3, 5, 7].", [3, 5, 7]],
    ['small {"a":1} and large {"b":[1,2,3]}', { b: [1, 2, 3] }],
    ["no JSON at all", undefined],
    ["", undefined],
    ["42", undefined],
    ['"text"', undefined],
    ['{"a":01} {"b":.5} {"c":"\t"} {"d":1,} [1,,2]', undefined],
  ])("of %j is %j", (text, json) => expect(extractJson(text)).toEqual(json));

  it("is found whole in a fence and in prose, whatever it is", () => {
    fc.assert(
      fc.property(anyContainer, anyProse, anyProse, fc.nat(2), (json, before, after, indent) => {
        const text = JSON.stringify(json, null, indent);
        expect(extractJson(text)).toEqual(json);
        expect(extractJson(`${before}\n\`\`\`json\n${text}\n\`\`\`\n${after}`)).toEqual(json);
        expect(extractJson(`${before}${text}${after}`)).toEqual(json);
      }),
    );
  });

  it("is always JSON, of any text", () => {
    const noise = fc.string({
      unit: fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "1", "a", "\\", "\n", " "),
    });
    fc.assert(
      fc.property(noise, (text) => {
        for (const { start, end } of spansOfJson(text)) {
          const span = text.slice(start, end);
          // The scanner lets an escape pass that is none; nothing else.
          if (!span.includes("\\")) expect(() => JSON.parse(span)).not.toThrow();
        }
        expect(() => extractJson(text)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["opening brackets", "["],
    ["braces", '{"a":'],
    ["strings that never end", '["'],
    ["escapes", '["\\"'],
    ["pairs", '[1,{"a":2},'],
    ["fences", "```\n[\n"],
    ["small JSON", '{"a":1} '],
    ["spaces", " ".repeat(50)],
  ])("is looked for in linear time among %s", (_, piece) => {
    const timeFor = (length: number) => {
      const text = piece.repeat(Math.ceil(length / piece.length));
      const startedAt = performance.now();
      extractJson(text);
      return performance.now() - startedAt;
    };
    timeFor(100_000);
    // Quadratic, 4 MB would take some hours.
    expect(timeFor(4_000_000)).toBeLessThan(5_000);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keepText, writeJson } from "../../src/core/json-text.ts";
import { anyJson } from "./aggregation/arbitraries.ts";

const kept = (text: string): unknown => keepText(JSON.parse(text), text);

/** As one instance or another may write it: what JSON.stringify would never write so. */
const ODD = '{"b": 12345678901234567890, "a":[1.50,-0,1e400,1E2], "b2":"\\/", "a":true}';

/** Values whose objects and lists have their texts kept, here and there. */
const partlyKept = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    fc.constantFrom<unknown>(undefined, null, 1, "x", Number.NaN, () => 1, Symbol("s"), new Date(0)),
    anyJson.map((json) => kept(JSON.stringify(json))),
    anyJson.map((json) => kept(JSON.stringify(json).replaceAll('":', '": '))),
    fc.constant({ toJSON: () => kept(ODD) }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("a", "7", "__proto__", "toJSON", 'q"', ""), tie("value"), { maxKeys: 4 }),
  ),
})).value;

describe("what is written", () => {
  it("is what JSON.stringify writes where no text is kept", () => {
    const anything = fc.anything({
      ...{ withDate: true, withMap: true, withSet: true, withBoxedValues: true },
      ...{ withNullPrototype: true, withSparseArray: true, withTypedArray: true },
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(writeJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("is the same value as JSON.stringify writes, its keys in the same order, wherever texts are kept", () => {
    fc.assert(
      fc.property(partlyKept, (value) => {
        const [written, plain] = [writeJson([value]), JSON.stringify([value])];
        expect(JSON.parse(written)).toEqual(JSON.parse(plain));
        expect(JSON.stringify(JSON.parse(written))).toBe(JSON.stringify(JSON.parse(plain)));
      }),
    );
  });

  it("has the text of a result wherever answers have one", () => {
    const result = kept(ODD);
    const answer = { instance: "A", result };
    const aggregate = {
      value: [answer],
      dissent: [{ path: "", values: [{ instance: "B", value: result }] }],
    };
    expect(writeJson(result)).toBe(ODD);
    expect(writeJson([answer, answer])).toBe(
      `[{"instance":"A","result":${ODD}},{"instance":"A","result":${ODD}}]`,
    );
    expect(writeJson({ outcomes: [answer], aggregate, more: undefined })).toBe(
      `{"outcomes":[{"instance":"A","result":${ODD}}],"aggregate":{"value":[{"instance":"A","result":${ODD}}],"dissent":[{"path":"","values":[{"instance":"B","value":${ODD}}]}]}}`,
    );
  });

  it("leaves out what JSON has no word for, or calls it null in a list", () => {
    expect(writeJson({ a: undefined, b: kept("[1.0]"), c: () => 1 })).toBe('{"b":[1.0]}');
    expect(writeJson([undefined, kept("[1.0]"), Symbol("s")])).toBe("[null,[1.0],null]");
  });

  it("is what toJSON says, also of what has a text kept within it", () => {
    const value = { at: new Date(0), said: { inner: kept("[1.0]"), toJSON: () => "said" }, r: kept("[2.0]") };
    expect(writeJson(value)).toBe('{"at":"1970-01-01T00:00:00.000Z","said":"said","r":[2.0]}');
  });

  it("is what JSON.stringify writes of a copy, and of what lies deeper than any result", () => {
    const result = kept(ODD) as object;
    expect(writeJson({ ...result })).toBe(JSON.stringify(result));
    expect(writeJson([[[[[[[result]]]]]]])).toBe(JSON.stringify([[[[[[[result]]]]]]]));
  });

  it("throws as JSON.stringify does", () => {
    const cycle: Record<string, unknown> = { r: kept("[1.0]") };
    cycle.self = cycle;
    expect(() => writeJson(cycle)).toThrow(/circular/);
    expect(() => writeJson([1n])).toThrow(/BigInt/);
  });
});

describe("a text", () => {
  it.each([
    ["is broken into lines", '{"a":\n1.0}'],
    ["has a carriage return", '{"a":\r1.0}'],
    ["has a tab", '{"a":\t1.0}'],
    ["escapes letters", '["\\u4e2d\\u6587",1.0]'],
    ["escapes letters in capitals", '["\\u4E2D",1.0]'],
  ])("that %s is not kept", (_what, text) => {
    expect(writeJson([kept(text)])).toBe(JSON.stringify([JSON.parse(text)]));
  });

  it.each(['["\\u001b[1m",1.0]', '["\\u0007\\n\\t",1.0]', '["中文",1.0]', '{"a" : 1.0}'])(
    "that has no other escapes than it needs is kept: %s",
    (text) => {
      expect(writeJson([kept(text)])).toBe(`[${text}]`);
    },
  );

  it.each(['"a"', "1.0", "true", "null"])("of a scalar is not kept: %s", (text) => {
    expect(writeJson([kept(text)])).toBe(JSON.stringify([JSON.parse(text)]));
  });
});

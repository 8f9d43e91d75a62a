import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isObject, type Json, type JsonObject, parseJson } from "../../src/core/json.ts";

const anyJson = fc.jsonValue() as fc.Arbitrary<Json>;

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, reversed(inner)] as const);
  return Object.fromEntries(entries.reverse());
}

describe("canonical JSON", () => {
  it("sorts keys at every depth and keeps the order of arrays", () => {
    expect(canonicalJson({ b: [2, 1, { d: null, c: "é" }], a: true })).toBe(
      '{"a":true,"b":[2,1,{"c":"é","d":null}]}',
    );
  });

  it("is the same text for the same value, whatever the order of its keys", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it("is the value's JSON: nothing is lost, so different values give different texts", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("keeps a key named __proto__ as data", () => {
    const text = '{"__proto__":{"x":1},"a":2}';
    expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
  });
});

describe("parsing JSON", () => {
  it("gives the value of any JSON text, null included", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(JSON.stringify(parseJson(JSON.stringify(value)))).toBe(JSON.stringify(value));
      }),
    );
    expect(parseJson("null")).toBeNull();
  });

  it.each(["", "{", "undefined", "{'a':1}", "NaN", "1 2"])("gives undefined for %j", (text) => {
    expect(parseJson(text)).toBeUndefined();
  });

  it("pollutes no prototype", () => {
    const parsed = parseJson('{"__proto__":{"polluted":true}}') as JsonObject;
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(Object.keys(parsed)).toEqual(["__proto__"]);
  });
});

describe("an object", () => {
  it("is neither null nor an array nor a scalar", () => {
    expect([{}, { a: 1 }].every(isObject)).toBe(true);
    expect([null, [], "{}", 0, true, undefined].some(isObject)).toBe(false);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePath, valueAt, within } from "../../../src/core/aggregation/path.ts";

describe("a path", () => {
  it.each([
    ["", []],
    ["a", ["a"]],
    ["a.b", ["a", "b"]],
    ["items[0].id", ["items", "0", "id"]],
    ["[2][3]", ["2", "3"]],
    ['["x.y"].z', ["x.y", "z"]],
    ['a["q\\"]"]', ["a", 'q"]']],
    ["a b", ["a b"]],
    [".a", undefined],
    ["a..b", undefined],
    ["a.", undefined],
    ["a[b]", undefined],
    ["a[0]b", undefined],
    ["a]", undefined],
    ['a["\\x"]', undefined],
  ])("%j is %j", (text, path) => expect(parsePath(text)).toEqual(path));

  it("leads to what is an object's own, or in a list, and nowhere else", () => {
    const json = { a: [{ b: 1 }], "x.y": null };
    expect(valueAt(json, ["a", "0", "b"])).toBe(1);
    expect(valueAt(json, ["x.y"])).toBeNull();
    expect(valueAt(json, [])).toBe(json);
    for (const path of [
      ["a", "length"],
      ["constructor"],
      ["a", "-1"],
      ["a", ""],
      ["x.y", "z"],
      ["__proto__"],
    ])
      expect(valueAt(json, path)).toBeUndefined();
  });

  it("that is written for keys leads to where they stand", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), (keys) => {
        expect(parsePath(keys.reduce(within, ""))).toEqual(keys);
      }),
    );
  });
});

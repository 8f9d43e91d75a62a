import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { merge } from "../../../src/core/aggregation/merge.ts";
import type { Aggregated } from "../../../src/core/aggregation/strategy.ts";
import { canonicalJson, isObject, type Json } from "../../../src/core/json.ts";
import { anyJson, anyResults, resultsOf } from "./arbitraries.ts";

function mergeOf(...results: Json[]): Aggregated {
  return merge(resultsOf(results), {});
}

/** Every key anywhere in a value, by what `JSON.stringify` would write. */
function keysOf(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return isObject(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]) : [];
}

/** A second reading of the rule: the paths at which the answers cannot be combined with the first. */
function conflictsOf(path: string, values: Json[]): string[] {
  const kind = (value: Json) =>
    Array.isArray(value) ? "array" : isObject(value) ? "object" : String(value) + typeof value;
  const same = values.filter((value) => kind(value) === kind(values[0] as Json));
  const here = same.length < values.length ? [path] : [];
  if (!isObject(same[0])) return here;
  const keys = new Set(same.flatMap((value) => Object.keys(value as object)));
  for (const key of ["__proto__", "constructor", "prototype"]) keys.delete(key);
  const inner = [...keys].flatMap((key) => {
    const plain = key !== "" && !key.includes(".");
    const step = plain ? (path === "" ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`;
    const below = same.filter((value) => Object.hasOwn(value as object, key));
    return conflictsOf(
      step,
      below.map((value) => (value as { [key: string]: Json })[key] as Json),
    );
  });
  return [...here, ...inner];
}

describe("merge", () => {
  it("merges objects key by key, however deep", () => {
    expect(mergeOf({ a: { b: 1 } }, { a: { c: { d: 2 } } }, { e: null })).toEqual({
      value: { a: { b: 1, c: { d: 2 } }, e: null },
      sources: ["A", "B", "C"],
    });
  });

  it("concatenates arrays that differ, equal entries once whatever the order of their keys", () => {
    expect(
      mergeOf({ list: [{ x: 1, y: 2 }, 3] }, { list: [{ y: 2, x: 1 }, 4, 3] }, { list: [5, 5] }),
    ).toEqual({
      value: { list: [{ x: 1, y: 2 }, 3, 4, 5] },
      sources: ["A", "B", "C"],
    });
  });

  it("keeps repeated entries of an array that all agree on", () => {
    expect(mergeOf([3, 3, 5], [3, 3, 5]).value).toEqual([3, 3, 5]);
    expect(mergeOf({ only: [1, 1] }, {}).value).toEqual({ only: [1, 1] });
  });

  it("lets the first answer win a conflict and lists what each instance said there", () => {
    expect(mergeOf({ a: { b: 1, c: 0 } }, { a: { b: 2 } }, { a: { b: 1 } }, { a: {} })).toEqual({
      value: { a: { b: 1, c: 0 } },
      sources: ["A", "B", "C", "D"],
      dissent: [
        {
          path: "a.b",
          values: [
            { instance: "A", value: 1 },
            { instance: "B", value: 2 },
            { instance: "C", value: 1 },
          ],
        },
      ],
    });
  });

  it("outvotes a value of another kind but still merges the others", () => {
    const { value, dissent } = mergeOf({ a: { b: 1 } }, { a: "text" }, { a: { c: 2 } });
    expect(value).toEqual({ a: { b: 1, c: 2 } });
    expect(dissent?.map(({ path }) => path)).toEqual(["a"]);
    expect(dissent?.[0]?.values[1]).toEqual({ instance: "B", value: "text" });
  });

  it("names a scalar's sources: those that gave the same one", () => {
    expect(mergeOf("x", "y", "x")).toEqual({
      value: "x",
      sources: ["A", "C"],
      dissent: [
        {
          path: "",
          values: [
            { instance: "A", value: "x" },
            { instance: "B", value: "y" },
            { instance: "C", value: "x" },
          ],
        },
      ],
    });
    expect(mergeOf(null, null)).toEqual({ value: null, sources: ["A", "B"] });
    expect(mergeOf({ a: 1 }, [1]).sources).toEqual(["A"]);
  });

  it("writes a path so that keys with dots in them cannot be mistaken", () => {
    const { dissent } = mergeOf({ "a.b": 1, a: { b: 1, "": 1 } }, { "a.b": 2, a: { b: 2, "": 2 } });
    expect(dissent?.map(({ path }) => path)).toEqual(['["a.b"]', "a.b", 'a[""]']);
  });

  it("drops keys that reach a prototype, at any depth, and pollutes none", () => {
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"polluted":1}}},"list":[{"__proto__":{"polluted":1}}]}',
    ) as Json;
    const { value, dissent } = mergeOf(hostile, { a: { b: 1 }, list: 1 }, hostile);
    expect(canonicalJson(value)).toBe('{"a":{"b":1},"list":[{}]}');
    expect(keysOf(dissent as unknown as Json)).not.toContain("__proto__");
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("never carries a dangerous key or changes a prototype, whatever the answers", () => {
    const clean = Object.getOwnPropertyNames(Object.prototype).sort();
    fc.assert(
      fc.property(anyResults, (results) => {
        const merged = merge(results, {});
        const keys = new Set(keysOf(merged as unknown as Json));
        for (const key of ["__proto__", "constructor", "prototype"]) expect(keys).not.toContain(key);
        expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(clean);
        if (isObject(merged.value)) expect(Object.getPrototypeOf(merged.value)).toBe(Object.prototype);
      }),
    );
  });

  it("of equal answers is that answer, without dissent and from all of them", () => {
    fc.assert(
      fc.property(anyJson, fc.integer({ min: 2, max: 5 }), (answer, times) => {
        const alone = mergeOf(answer).value;
        const results = resultsOf(Array.from({ length: times }, () => structuredClone(alone)));
        expect(merge(results, {})).toEqual({
          value: alone,
          sources: results.map(({ instance }) => instance),
        });
      }),
    );
  });

  it("lists every conflict there is, and none that there is not", () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const listed = merge(results, {}).dissent?.map(({ path }) => path) ?? [];
        const expected = conflictsOf(
          "",
          results.map(({ result }) => result),
        );
        expect([...listed].sort()).toEqual([...expected].sort());
      }),
    );
  });

  it("has each conflict's first value in the merged value's place", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 6 }), (numbers) => {
        const { value, dissent = [] } = mergeOf(...numbers.map((n) => ({ at: { n } })));
        expect(value).toEqual({ at: { n: numbers[0] } });
        const differ = numbers.some((n) => n !== numbers[0]);
        expect(dissent.map(({ path }) => path)).toEqual(differ ? ["at.n"] : []);
        if (differ) expect(dissent[0]?.values.map((said) => said.value)).toEqual(numbers);
      }),
    );
  });
});

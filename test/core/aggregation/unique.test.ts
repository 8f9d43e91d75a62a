import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregate } from "../../../src/core/aggregation/aggregate.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

const uniqueOf = (answers: Json[], options = {}) => aggregate("unique", resultsOf(answers), options);

describe("unique", () => {
  it("has each entry once, in the order of its first appearance, with who said it", () => {
    expect(uniqueOf([["b", "a", "b"], { items: ["c", "a"] }, "nothing"])).toEqual({
      value: [
        { id: "b", entry: "b", sources: ["A"] },
        { id: "a", entry: "a", sources: ["A", "B"] },
        { id: "c", entry: "c", sources: ["B"] },
      ],
      sources: ["A", "B"],
      unused: [{ instance: "C", place: 2, why: "no list" }],
    });
  });

  it("takes the identity from a path, shows the first and lists who differs", () => {
    const answers: Json[] = [[{ doc: { id: 7 }, by: "A" }], [{ doc: { id: "7" }, by: "B" }, { by: "B" }]];
    expect(uniqueOf(answers, { key: "doc.id" })).toEqual({
      value: [
        { id: "7", entry: { doc: { id: 7 }, by: "A" }, sources: ["A", "B"] },
        { id: '{"by":"B"}', entry: { by: "B" }, sources: ["B"] },
      ],
      sources: ["A", "B"],
      dissent: [
        {
          path: "7",
          values: [
            { instance: "A", value: { doc: { id: 7 }, by: "A" } },
            { instance: "B", value: { doc: { id: "7" }, by: "B" } },
          ],
        },
      ],
    });
  });

  it("finds lists in text: JSON in a fence, and lines with marks", () => {
    const { value, extracted } = uniqueOf([
      "Here:\n- one\n* two \n\nand that is all.",
      'So:\n```json\n["two","three"]\n```',
      { message: "1. three\n2) four" },
    ]);
    expect((value as { id: string }[]).map(({ id }) => id)).toEqual(["one", "two", "three", "four"]);
    expect(extracted).toEqual(["A", "B", "C"]);
  });

  it("keeps the first of them under a limit, and says aggregate_failed without any list", () => {
    expect(uniqueOf([["a", "b", "c"]], { limit: 2 }).value).toHaveLength(2);
    expect(() => uniqueOf(["text", 1])).toThrow(/unique found no list of hits in any of 2.*A said: text/);
  });

  it("says of every entry exactly who has it", () => {
    const anyLists = fc.array(fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 6 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(anyLists, (lists) => {
        const { value, dissent } = uniqueOf(lists);
        const entries = value as { id: string; sources: string[] }[];
        expect(entries.map(({ id }) => id)).toEqual([...new Set(lists.flat())]);
        for (const { id, sources } of entries) {
          const having = resultsOf(lists).filter(({ result }) => (result as string[]).includes(id));
          expect(sources).toEqual(having.map(({ instance }) => instance));
        }
        expect(dissent).toBeUndefined();
      }),
    );
  });
});

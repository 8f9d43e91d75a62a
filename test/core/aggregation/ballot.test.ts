import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accumulator, aggregate } from "../../../src/core/aggregation/aggregate.ts";
import { NORMALIZATIONS } from "../../../src/core/aggregation/strategy.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

const majorityOf = (answers: Json[], options = {}) => aggregate("majority", resultsOf(answers), options);

describe("majority", () => {
  it("is what more than half of the answers say, and names those who differ and where", () => {
    expect(majorityOf([{ b: 2, a: 1 }, { a: 1, b: 2 }, "no"])).toEqual({
      value: { b: 2, a: 1 },
      sources: ["A", "B"],
      consensus: true,
      dissent: [{ path: "", values: [{ instance: "C", value: "no" }] }],
    });
  });

  it("is no consensus where no more than half are of one mind", () => {
    expect(majorityOf(["x", "y", "x", "z"])).toEqual({
      value: null,
      sources: [],
      consensus: false,
      dissent: [
        {
          path: "",
          values: ["x", "y", "x", "z"].map((value, index) => ({ instance: "ABCD"[index], value })),
        },
      ],
    });
  });

  it("compares what stands at a path, also in JSON within text, and lets those without it not vote", () => {
    const answers = [{ a: { b: 7 } }, 'I think:\n```json\n{"a":{"b":7}}\n```', "seven", { a: { b: 8 } }];
    expect(majorityOf(answers, { path: "a.b" })).toEqual({
      value: 7,
      sources: ["A", "B"],
      consensus: true,
      dissent: [{ path: "a.b", values: [{ instance: "D", value: 8 }] }],
      unused: [{ instance: "C", place: 2, why: "nothing at a.b" }],
      extracted: ["B"],
    });
  });

  it("says aggregate_failed where nobody has anything at the path", () => {
    expect(() => majorityOf(["x", { b: 1 }], { path: "a" })).toThrow(
      /majority found nothing at a in any of 2/,
    );
  });

  it.each([
    ["none", ["yes", " yes", "Yes"], false],
    ["trim", ["yes", " yes\n", "Yes"], true],
    ["lower", ["YES", " no ", "Yes"], true],
    ["number", ["42", 42, { message: " 42.0 " }], true],
    ["number", ["42", "4.2e1", "forty-two"], true],
    ["number", ["a", "A ", "b"], true],
    ["trim", ["1", 1, "one"], false],
  ] as const)("with normalize %s, of %j: %s", (normalize, answers, consensus) => {
    expect(majorityOf([...answers], { normalize })).toMatchObject({ consensus });
  });

  it("reads all text within an answer alike, and shows it as its first supporter wrote it", () => {
    const { value, consensus } = majorityOf([{ say: [" Yes "] }, { say: ["yes"] }], { normalize: "lower" });
    expect([value, consensus]).toEqual([{ say: [" Yes "] }, true]);
  });

  it("has its value from more than half, and a dissent or a source of everybody", () => {
    const anyVotes = fc.array(fc.constantFrom<Json>("x", "y", 1, null), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(anyVotes, fc.constantFrom(...NORMALIZATIONS), (votes, normalize) => {
        const { value, sources, consensus, dissent = [] } = majorityOf(votes, { normalize });
        const others = dissent.flatMap(({ values }) => values);
        expect([...sources, ...others.map(({ instance }) => instance)].sort()).toEqual(
          resultsOf(votes).map(({ instance }) => instance),
        );
        const most = Math.max(...votes.map((vote) => votes.filter((each) => each === vote).length));
        expect(consensus).toBe(most * 2 > votes.length);
        if (consensus) expect(votes.filter((vote) => vote === value)).toHaveLength(most);
        for (const { value: other } of consensus ? others : []) expect(other).not.toEqual(value);
      }),
    );
  });
});

describe("quorum", () => {
  it("is settled once so many agree, and not before", () => {
    const answers = accumulator("quorum", { quorum: 2 });
    const settled = ["x", "y", " x "].map((result, place) => {
      answers.add({ instance: "ABC"[place] ?? "", place, result });
      return answers.settled;
    });
    expect(settled).toEqual([false, false, true]);
    expect(answers.result()).toMatchObject({ value: "x", consensus: true, sources: ["A", "C"] });
  });

  it("is no consensus below that", () => {
    const results = resultsOf(["x", "x", "y"]);
    expect(aggregate("quorum", results, { quorum: 3 })).toMatchObject({ value: null, consensus: false });
  });

  it("of two camps as large takes that of the first in target order", () => {
    const results = resultsOf(["y", "x", "x", "y"]);
    expect(aggregate("quorum", [...results].reverse(), { quorum: 2 }).value).toBe("y");
    const answers = accumulator("quorum", { quorum: 2 });
    for (const result of [...results].reverse()) answers.add(result);
    expect(answers.result()).toMatchObject({ value: "y", sources: ["A", "D"] });
  });

  it("agrees with counting", () => {
    const anyVotes = fc.array(fc.constantFrom("x", "y", "z"), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(anyVotes, fc.integer({ min: 1, max: 9 }), (votes, quorum) => {
        const { consensus, sources } = aggregate("quorum", resultsOf(votes), { quorum });
        const most = Math.max(...votes.map((vote) => votes.filter((each) => each === vote).length));
        expect(consensus).toBe(most >= quorum);
        expect(sources).toHaveLength(consensus ? most : 0);
      }),
    );
  });
});

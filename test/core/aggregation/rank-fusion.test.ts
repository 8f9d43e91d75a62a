import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rankFusion } from "../../../src/core/aggregation/rank-fusion.ts";
import type { AggregateOptions, PlacedResult } from "../../../src/core/aggregation/strategy.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

interface Hit {
  id: string;
  score: number;
  hit: Json;
  sources: { instance: string; rank: number }[];
}

function fuse(results: readonly PlacedResult[], options: AggregateOptions = {}): Hit[] {
  return rankFusion(results, options).value as unknown as Hit[];
}

const ids = (hits: readonly Hit[]) => hits.map(({ id }) => id);
const asHits = (list: readonly string[]): Json => list.map((id) => ({ id }));

/** Lists of ids with repetitions, as several instances might rank the same few documents. */
const anyLists: fc.Arbitrary<string[][]> = fc.array(
  fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f"), { maxLength: 8 }),
  {
    minLength: 1,
    maxLength: 6,
  },
);

describe("rank fusion", () => {
  it("sums 1 / (60 + rank) over the lists and says who ranked a hit where", () => {
    const hits = fuse(resultsOf([asHits(["x", "y"]), asHits(["y", "z"]), asHits(["y"])]));
    expect(ids(hits)).toEqual(["y", "x", "z"]);
    expect(hits[0]?.score).toBeCloseTo(1 / 62 + 1 / 61 + 1 / 61, 15);
    expect(hits[1]).toEqual({
      id: "x",
      score: 1 / 61,
      hit: { id: "x" },
      sources: [{ instance: "A", rank: 1 }],
    });
    expect(hits[0]?.sources).toEqual([
      { instance: "A", rank: 2 },
      { instance: "B", rank: 1 },
      { instance: "C", rank: 1 },
    ]);
  });

  it("finds the list in hits, results or items, and leaves other answers out of the sources", () => {
    const results = resultsOf([
      { hits: [{ id: "a" }] },
      { results: [{ id: "b" }] },
      { items: [{ id: "c" }] },
      "none",
      { hits: 3 },
    ]);
    const { value, sources } = rankFusion(results, {});
    expect(sources).toEqual(["A", "B", "C"]);
    expect(ids(value as unknown as Hit[])).toEqual(["a", "b", "c"]);
  });

  it("counts an empty list as an answer", () => {
    expect(rankFusion(resultsOf([[], { hits: [] }]), {})).toEqual({ value: [], sources: ["A", "B"] });
  });

  it("fails as aggregate_failed, saying what a list is, where no answer has one", () => {
    const work = () => rankFusion(resultsOf(["text", { hits: null }]), {});
    expect(work).toThrow(OrchestratorError);
    expect(work).toThrow(/no list of hits in any of 2 answers.*hits, results, items/);
  });

  it("takes the identity from a dotted path, where a number and its text are the same", () => {
    const results = resultsOf([[{ doc: { key: 7 }, by: "A" }], [{ doc: { key: "7" }, by: "B" }]]);
    const hits = fuse(results, { key: "doc.key" });
    expect(ids(hits)).toEqual(["7"]);
    expect(hits[0]?.hit).toEqual({ doc: { key: 7 }, by: "A" });
  });

  it("takes the whole hit as its identity where the path leads nowhere", () => {
    const hits = fuse(
      resultsOf([
        [{ b: 1, a: 2 }, "text", { id: null }],
        [{ a: 2, b: 1 }, "text"],
      ]),
    );
    expect(ids(hits)).toEqual(['{"a":2,"b":1}', "text", '{"id":null}']);
    expect(ids(fuse(resultsOf([[{ a: 1 }]]), { key: "constructor" }))).toEqual(['{"a":1}']);
  });

  it("counts a hit that one list repeats once, at its best rank", () => {
    const hits = fuse(resultsOf([asHits(["a", "b", "a"])]));
    expect(hits.map(({ id, score }) => [id, score])).toEqual([
      ["a", 1 / 61],
      ["b", 1 / 62],
    ]);
    expect(hits[0]?.sources).toEqual([{ instance: "A", rank: 1 }]);
  });

  it("shows the hit of the instance that ranked it best", () => {
    const hits = fuse(
      resultsOf([[{ id: "z" }, { id: "a", by: "A" }], [{ id: "a", by: "B" }], [{ id: "a", by: "C" }]]),
    );
    expect(hits[0]?.hit).toEqual({ id: "a", by: "B" });
  });

  it("orders hits of the same score by best rank, then by id", () => {
    const apart = fuse(
      resultsOf([asHits(["b", "a"]), asHits(["a", "b"]), asHits(["c"]), asHits(["_", "c"])]),
    );
    expect(ids(apart)).toEqual(["a", "b", "c", "_"]);
    // 1 / (60 + 62) from two lists is 1 / (60 + 1) from one.
    const low = asHits([...Array.from({ length: 61 }, (_, index) => `pad${index}`), "low twice"]);
    const tied = fuse(resultsOf([low, low, asHits(["once at the top"])])).filter(
      ({ score }) => score === 1 / 61,
    );
    expect(ids(tied)).toEqual(["once at the top", "low twice"]);
  });

  it("scores every hit by the formula, counting each list once", () => {
    fc.assert(
      fc.property(anyLists, (lists) => {
        const hits = fuse(resultsOf(lists.map(asHits)));
        expect(new Set(ids(hits))).toEqual(new Set(lists.flat()));
        expect(ids(hits)).toHaveLength(new Set(lists.flat()).size);
        for (const { id, score, sources } of hits) {
          const ranks = lists.map((list) => list.indexOf(id) + 1).filter((rank) => rank > 0);
          expect(sources.map(({ rank }) => rank)).toEqual(ranks);
          expect(score).toBeCloseTo(
            ranks.reduce((sum, rank) => sum + 1 / (60 + rank), 0),
            12,
          );
        }
      }),
    );
  });

  it("gives the same scores in the same order whatever the order of the instances", () => {
    const shuffledToo = anyLists.chain((lists) =>
      fc.tuple(
        fc.constant(lists),
        fc.shuffledSubarray(lists, { minLength: lists.length, maxLength: lists.length }),
      ),
    );
    fc.assert(
      fc.property(shuffledToo, ([lists, shuffled]) => {
        const scores = (order: string[][]) =>
          fuse(resultsOf(order.map(asHits))).map(({ id, score }) => ({ id, score }));
        expect(scores(shuffled)).toEqual(scores(lists));
      }),
    );
  });

  it("sorts by falling score and keeps the best of them under a limit", () => {
    fc.assert(
      fc.property(anyLists, fc.integer({ min: 1, max: 10 }), (lists, limit) => {
        const results = resultsOf(lists.map(asHits));
        const all = fuse(results);
        for (const [index, hit] of all.slice(1).entries()) {
          expect(hit.score).toBeLessThanOrEqual(all[index]?.score as number);
        }
        expect(fuse(results, { limit })).toEqual(all.slice(0, limit));
      }),
    );
  });
});

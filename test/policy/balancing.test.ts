import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BALANCING_STRATEGIES } from "../../src/core/balancing.ts";
import { balance, Turns } from "../../src/policy/balancing.ts";

const idOf = (member: string) => member;
const idle = { random: () => 0, inFlight: () => 0, lastPicked: () => 0 };

/** Chance that says these, one after the other. */
function chances(...said: number[]): () => number {
  return () => said.shift() ?? 0;
}

describe("a pool", () => {
  it("is asked as listed unless told otherwise", () => {
    expect(balance(["B", "A", "C"], "ordered", idOf, { ...idle, inFlight: () => 9 })).toEqual([
      "B",
      "A",
      "C",
    ]);
  });

  it("in rotation has each put first once in each round, from the first listed on", () => {
    const turns = new Turns();
    const firsts = Array.from({ length: 7 }, () => {
      const [first] = balance(["A", "B", "C"], "round-robin", idOf, { ...idle, lastPicked: turns.last });
      turns.took(first as string);
      return first;
    });
    expect(firsts.join("")).toBe("ABCABCA");
  });

  it("in rotation never favours anyone by more than one turn, however the pools overlap", () => {
    const pools = fc.array(fc.subarray(["A", "B", "C", "D"], { minLength: 1 }), { maxLength: 40 });
    fc.assert(
      fc.property(pools, (asked) => {
        const turns = new Turns();
        const last = new Map<string, number>();
        for (const [turn, pool] of asked.entries()) {
          const [first = ""] = balance(pool, "round-robin", idOf, { ...idle, lastPicked: turns.last });
          turns.took(first);
          for (const member of pool)
            expect(last.get(first) ?? -1).toBeLessThanOrEqual(last.get(member) ?? -1);
          last.set(first, turn);
        }
      }),
    );
  });

  it("by load has the less busy of two that chance names first, and the others as listed", () => {
    const inFlight = (id: string) => ({ A: 0, B: 5, C: 3, D: 4 })[id] ?? 0;
    const order = (...said: number[]) =>
      balance(["A", "B", "C", "D"], "least-busy", idOf, { ...idle, inFlight, random: chances(...said) }).join(
        "",
      );
    // B and C are named, then D and B, and A is named by nobody although it is the least busy.
    expect(order(0.25, 0)).toBe("CABD");
    expect(order(0.75, 0.34)).toBe("DABC");
    expect(order(0, 0)).toBe("ABCD");
  });

  it("by load never has the busiest of three first, unless others are as busy", () => {
    const load = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(load, chance, chance, (busy, one, other) => {
        const inFlight = (id: string) => busy["ABC".indexOf(id)] as number;
        const [first = ""] = balance(["A", "B", "C"], "least-busy", idOf, {
          ...idle,
          inFlight,
          random: chances(one, other),
        });
        expect(inFlight(first)).toBeLessThanOrEqual([...busy].sort()[1] as number);
      }),
    );
  });

  it("keeps every member once, whatever the strategy", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 })),
        fc.constantFrom(...BALANCING_STRATEGIES),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (pool, pick, chance) => {
          const load = { ...idle, random: () => chance, inFlight: (id: string) => id.length % 3 };
          expect(balance(pool, pick, idOf, load).sort()).toEqual(pool.toSorted());
        },
      ),
    );
  });
});

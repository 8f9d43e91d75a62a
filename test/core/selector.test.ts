import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OrchestratorError } from "../../src/core/errors.ts";
import { select } from "../../src/core/selector.ts";
import { EIGHT, failure, fleet, picks } from "./fleets.ts";

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,11}$/);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 12 });

describe("a selector of names", () => {
  it("picks a name, a comma list, an array, and an array of comma lists, in their order", () => {
    expect(picks("A", EIGHT)).toEqual(["A"]);
    expect(picks("C,A", EIGHT)).toEqual(["C", "A"]);
    expect(picks("C, A  B", EIGHT)).toEqual(["C", "A", "B"]);
    expect(picks(["C", "A"], EIGHT)).toEqual(["C", "A"]);
    expect(picks(["H,G", "A-C"], EIGHT)).toEqual(["H", "G", "A", "B", "C"]);
  });

  it("picks each instance once, where it is named first", () => {
    expect(picks("B,A-C,B,*,A", EIGHT)).toEqual(["B", "A", "C", "D", "E", "F", "G", "H"]);
  });

  it("picks any known names exactly in the order in which they are listed, as text or array", () => {
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.nat()), (all, random) => {
        const known = fleet(...all);
        const listed = all.filter(() => (random.next().value as number) % 2 === 0).reverse();
        if (listed.length === 0) return;
        expect(picks(listed, known)).toEqual(listed);
        expect(picks(listed.join(","), known)).toEqual(listed);
        expect(picks([...listed, ...listed], known)).toEqual(listed);
      }),
    );
  });

  it("names the unknown ones to those who want to report them, and picks the rest", () => {
    expect(select("A,X,B,X,y1", EIGHT)).toEqual({ picked: [EIGHT[0], EIGHT[1]], unknown: ["X", "y1"] });
  });

  it.each(["", " ", ",", " , ,"])("that is empty (%j) is a bad request that shows what to write", (empty) => {
    expect(failure("bad_request", empty, EIGHT).action).toContain("A-H");
    failure("bad_request", [empty], EIGHT);
    failure("bad_request", [], EIGHT);
  });

  it.each(["-A", "a/b", "é", "tag", ":x", "**", "A--H", "-1--5", "é1-é5", "x".repeat(65)])(
    "with %j in it is refused before anything is picked",
    (term) => {
      const error = failure(
        /^(tag|A--H)$/.test(term) ? "unknown_instance" : "bad_request",
        ["A", term],
        EIGHT,
      );
      expect(error.message).toContain(term);
    },
  );

  it("that is a huge text is refused quickly", () => {
    const started = performance.now();
    failure("bad_request", "1".repeat(200_000), EIGHT);
    failure("bad_request", `${"a1".repeat(50_000)}-${"a1".repeat(50_000)}`, EIGHT);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("an unknown explicit name", () => {
  it("is an error that lists the known names and the nearest, and says that nothing was sent", () => {
    const error = failure("unknown_instance", "A,node12", fleet("A", "node1", "node22"));
    expect(error.message).toBe("No instance is named node12. Did you mean node1? Known: A, node1, node22.");
    expect(error.instance).toBe("node12");
    expect(error.delivery).toBe("not_sent");
    expect(error.details).toEqual({ known: ["A", "node1", "node22"], nearest: "node1" });
  });

  it("of one letter is near the same letter of the other case only", () => {
    expect(failure("unknown_instance", "b", EIGHT).details?.nearest).toBe("B");
    expect(failure("unknown_instance", "Z", EIGHT).details).not.toHaveProperty("nearest");
  });

  it("is told how many more there are in a large fleet", () => {
    const known = fleet(...Array.from({ length: 150 }, (_, index) => `n${index}`));
    const error = failure("unknown_instance", "other", known);
    expect(error.message).toMatch(/n19 and 130 more\.$/);
    expect(error.details?.known).toHaveLength(100);
  });

  it.each(["A", "A-H", "*", "tag:x"])("in an empty fleet (%s) says how to start one", (selector) => {
    const error = failure("unknown_instance", selector, []);
    expect(error.message).toContain("The fleet is empty.");
    expect(error.action).toContain("orchestrator up");
  });

  it("fails whatever stands beside it", () => {
    fc.assert(
      fc.property(names, name, (all, extra) => {
        fc.pre(!all.includes(extra) && !/\d-|^[A-Za-z]-[A-Za-z]$/.test(extra));
        const error = failure("unknown_instance", [...all, extra], fleet(...all));
        expect(error.instance).toBe(extra);
        expect(error.details?.known).toEqual(all);
      }),
    );
  });
});

describe("tags and *", () => {
  const known = [
    { name: "A", tags: ["search"] },
    { name: "B", tags: [] },
    { name: "C", tags: ["write", "search"] },
  ];

  it("picks the instances with a tag, and all of them only for *", () => {
    expect(picks("tag:search", known)).toEqual(["A", "C"]);
    expect(picks("tag:write,A", known)).toEqual(["C", "A"]);
    expect(picks("*", known)).toEqual(["A", "B", "C"]);
  });

  it("refuses a tag that is none or that nobody has", () => {
    expect(failure("bad_request", "tag:", known).message).toContain('"tag:"');
    expect(failure("unknown_instance", "tag:Search", known).message).toContain(
      '"tag:Search" picks no instance.',
    );
  });
});

describe("any text", () => {
  it("is picked from the known instances, each once, or refused with one of two codes", () => {
    const term = fc.oneof(name, fc.string(), fc.constantFrom("*", "A-H", "tag:x", "node1-node9", "9-1", ","));
    fc.assert(
      fc.property(fc.array(term, { maxLength: 4 }), names, (selector, all) => {
        const known = fleet(...all);
        try {
          const { picked, unknown } = select(selector, known);
          expect(new Set(picked).size).toBe(picked.length);
          expect(picked.every((instance) => known.includes(instance))).toBe(true);
          expect(unknown.some((one) => all.includes(one))).toBe(false);
          expect(picked.length + unknown.length).toBeGreaterThan(0);
        } catch (error) {
          expect(["bad_request", "unknown_instance"]).toContain((error as OrchestratorError).code);
        }
      }),
      { numRuns: 500 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { select } from "../../src/core/selector.ts";
import { EIGHT, failure, fleet, picks } from "./fleets.ts";

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
const letter = fc.constantFrom(...LETTERS);
const letters = fc.uniqueArray(letter, { minLength: 1 });
const prefix = fc
  .stringMatching(/^[A-Za-z0-9._-]{0,5}[A-Za-z._-]$/)
  .filter((text) => /^[A-Za-z0-9]/.test(text));

describe("a range of letters", () => {
  it("picks the known names within it alone, from the first letter to the last", () => {
    expect(picks("A-H", EIGHT)).toEqual(["A", "B", "C", "D", "E", "F", "G", "H"]);
    expect(picks("A-H", fleet("H", "C", "node1", "b", "I", "A2", "A"))).toEqual(["A", "C", "H"]);
    expect(picks("C-C", EIGHT)).toEqual(["C"]);
  });

  it("picks just the known letters of its case between its ends, in alphabetical order", () => {
    fc.assert(
      fc.property(letters, letter, letter, (all, from, to) => {
        const upper = from < "a";
        fc.pre(from <= to && upper === to < "a");
        const within = all.filter((one) => one >= from && one <= to).sort();
        if (within.length === 0) failure("unknown_instance", `${from}-${to}`, fleet(...all));
        else expect(picks(`${from}-${to}`, fleet(...all))).toEqual(within);
      }),
    );
  });

  it("that is reversed is a bad request that shows it the right way round", () => {
    fc.assert(
      fc.property(letter, letter, (from, to) => {
        fc.pre(from > to && from < "a" === to < "a");
        const error = failure("bad_request", `${from}-${to}`, fleet(...LETTERS));
        expect(error.message).toContain("reversed");
        expect(error.action).toBe(`Write it as ${to}-${from}.`);
      }),
    );
  });

  it("is none across cases: that is a name", () => {
    expect(failure("unknown_instance", "a-H", EIGHT).instance).toBe("a-H");
    expect(failure("unknown_instance", "A-h", EIGHT).instance).toBe("A-h");
    expect(picks("a-H", fleet("A", "a-H", "b"))).toEqual(["a-H"]);
  });

  it("that picks nobody is an error that lists the known names", () => {
    const error = failure("unknown_instance", "X-Z", EIGHT);
    expect(error.message).toBe('"X-Z" picks no instance. Known: A, B, C, D, E, F, G, H.');
    expect(error.delivery).toBe("not_sent");
    expect(() => select("X-Z", EIGHT)).toThrow('"X-Z" picks no instance');
  });
});

describe("a range of numbers", () => {
  it("picks by number, not by text", () => {
    const known = fleet("node12", "node2", "node1", "node10", "node13", "node0", "other3", "node1a", "node");
    expect(picks("node1-node12", known)).toEqual(["node1", "node2", "node10", "node12"]);
    expect(picks("1-3", fleet("3", "A", "2", "12"))).toEqual(["2", "3"]);
  });

  it("takes numbers with leading zeros by their value", () => {
    expect(picks("node01-node12", fleet("node12", "node09", "node1", "node13", "node00"))).toEqual([
      "node1",
      "node09",
      "node12",
    ]);
    expect(picks("node1-node12", fleet("node02", "node012"))).toEqual(["node02", "node012"]);
  });

  it("takes hyphens and digits within the prefix", () => {
    expect(picks("mac-mini1-mac-mini3", fleet("mac-mini2", "mac-mini4"))).toEqual(["mac-mini2"]);
    expect(picks("rack2-1-rack2-9", fleet("rack2-5", "rack3-5"))).toEqual(["rack2-5"]);
  });

  it("keeps numbers apart that are too large for a double", () => {
    const known = fleet("job9007199254740992", "job9007199254740993");
    expect(picks("job9007199254740993-job9007199254740999", known)).toEqual(["job9007199254740993"]);
  });

  it("picks just the known members of its series, in numerical order", () => {
    const numbers = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(prefix, numbers, fc.nat(40), fc.nat(40), (stem, all, one, two) => {
        const [from, to] = [Math.min(one, two), Math.max(one, two)];
        const known = fleet(...all.map((number) => `${stem}${number}`), `x${stem}${from}`, `${stem}${from}x`);
        const within = all.filter((number) => number >= from && number <= to).sort((a, b) => a - b);
        const range = `${stem}${from}-${stem}${to}`;
        if (within.length === 0) failure("unknown_instance", range, known);
        else expect(picks(range, known)).toEqual(within.map((number) => `${stem}${number}`));
      }),
    );
  });

  it("that is reversed is a bad request that shows it the right way round", () => {
    fc.assert(
      fc.property(prefix, fc.nat(1000), fc.nat(1000), (stem, from, to) => {
        fc.pre(from > to);
        const error = failure("bad_request", `${stem}${from}-${stem}${to}`, EIGHT);
        expect(error.action).toBe(`Write it as ${stem}${to}-${stem}${from}.`);
      }),
    );
  });

  it("is none between two prefixes: that is a name", () => {
    expect(failure("unknown_instance", "node1-rack5", fleet("node2")).instance).toBe("node1-rack5");
    expect(failure("unknown_instance", "Node1-node5", fleet("node2")).instance).toBe("Node1-node5");
  });
});

describe("a name with a hyphen", () => {
  it("is no range unless both ends are of one series", () => {
    expect(picks("mac-mini", fleet("mac-mini", "mac", "mini"))).toEqual(["mac-mini"]);
    expect(failure("unknown_instance", "mac-mini", fleet("mac-mini2")).message).toContain(
      "Did you mean mac-mini2?",
    );
  });

  it("wins over the range that it could also be, even a reversed one, if it is known", () => {
    expect(picks("A-H", fleet("A", "B", "A-H"))).toEqual(["A-H"]);
    expect(picks("node1-node3", fleet("node1", "node2", "node1-node3"))).toEqual(["node1-node3"]);
    expect(picks("H-A", fleet("A", "H-A", "H"))).toEqual(["H-A"]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "../../src/core/nearest.ts";

describe("the nearest name", () => {
  it("is a name that one typing mistake turned into the word", () => {
    const mistyped = fc
      .stringMatching(/^[a-z]{3,10}$/)
      .chain((word) =>
        fc.tuple(
          fc.constant(word),
          fc.nat(word.length - 1),
          fc.constantFrom("left out", "wrong", "too many"),
        ),
      );
    fc.assert(
      fc.property(mistyped, ([word, at, mistake]) => {
        const typed =
          word.slice(0, at) +
          (mistake === "left out" ? "" : "#") +
          word.slice(mistake === "too many" ? at : at + 1);
        expect(nearest(typed, ["0", "00000", word])).toBe(word);
      }),
    );
  });

  it("is the closest of several, the first where two are as close", () => {
    expect(nearest("serch-1", ["search-2", "search-1", "sarch-1"])).toBe("search-1");
    expect(nearest("nodex", ["node1", "node2"])).toBe("node1");
  });

  it("is a name of which two neighbouring letters changed places", () => {
    expect(nearest("nmae", ["near", "name"])).toBe("name");
    expect(nearest("txet", ["text"])).toBe("text");
    expect(nearest("nmea", ["name"])).toBeUndefined();
  });

  it("is the name itself in the other case", () => {
    expect(nearest("b", ["A", "B"])).toBe("B");
    expect(nearest("MAC-MINI", ["mac", "mac-mini"])).toBe("mac-mini");
  });

  it("is none where nothing is close", () => {
    expect(nearest("mac-mini", ["A", "gateway", "mac"])).toBeUndefined();
    expect(nearest("xy", ["ab"])).toBeUndefined();
    expect(nearest("Z", ["A", "B"])).toBeUndefined();
    expect(nearest("anything", [])).toBeUndefined();
  });
});

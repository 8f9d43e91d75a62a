import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../src/core/ports.ts";
import { byCodePoint, KEYS } from "./contract-keys.ts";

/** What `list` promises. `current` gives the empty store of the running test. */
export function describeListing(current: () => Store): void {
  const keys = async (...args: Parameters<Store["list"]>) =>
    (await current().list(...args)).map((entry) => entry.key);

  describe("listing", () => {
    beforeEach(async () => {
      for (const key of KEYS.toReversed()) await current().put(key, `"${key}"`);
    });

    it("goes by code point, either way", async () => {
      const sorted = KEYS.toSorted(byCodePoint);
      expect(await keys("")).toEqual(sorted);
      expect(await keys("", { reverse: true })).toEqual(sorted.toReversed());
    });

    it.each(["a", "a/", "a%", "a_", "%", "_", "é", "😀", "\uffee", "\ud7ff", "\u{10ffff}", "a/1", "zzz"])(
      "finds just the keys that begin with %j",
      async (prefix) => {
        const expected = KEYS.filter((key) => key.startsWith(prefix)).sort(byCodePoint);
        expect(await keys(prefix)).toEqual(expected);
        expect(await keys(prefix, { reverse: true })).toEqual(expected.toReversed());
      },
    );

    it("gives each key once when it is read in pages, either way", async () => {
      for (const reverse of [false, true]) {
        const found: string[] = [];
        for (;;) {
          const after = found.at(-1);
          const page = await keys("", { limit: 4, reverse, ...(after !== undefined && { after }) });
          if (page.length === 0) break;
          found.push(...page);
        }
        expect(found).toEqual(await keys("", { reverse }));
      }
    });

    it("takes an `after` that is no key, or lies outside the prefix", async () => {
      expect(await keys("a/", { after: "a/1!" })).toEqual(["a/10", "a/2"]);
      expect(await keys("a/", { after: "A" })).toEqual(["a/1", "a/10", "a/2"]);
      expect(await keys("a/", { after: "b" })).toEqual([]);
      expect(await keys("a/", { after: "b", reverse: true })).toEqual(["a/2", "a/10", "a/1"]);
      expect(await keys("a/", { after: "a/2", reverse: true })).toEqual(["a/10", "a/1"]);
      expect(await keys("a/", { after: "A", reverse: true })).toEqual([]);
    });

    it("stops at the limit, 1,000 unless told otherwise", async () => {
      expect(await keys("a", { limit: 2 })).toEqual(["a", "a%"]);
      expect(await keys("a", { limit: 0 })).toEqual([]);
      expect(await keys("a", { limit: -1 })).toEqual([]);
      expect(await keys("a", { limit: Number.POSITIVE_INFINITY })).toHaveLength(7);
      for (let i = 0; i < 1_001; i++) await current().put(`many/${i}`, "1");
      expect(await keys("many/")).toHaveLength(1_000);
    });
  });
}

import fc from "fast-check";
import { expect, it } from "vitest";
import { mapLimited } from "../../src/policy/limiter.ts";

it("runs over all items, never more than the limit at once, and keeps their order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 8 }), async (items, limit) => {
      let running = 0;
      let most = 0;
      const results = await mapLimited(items, limit, async (item, index) => {
        most = Math.max(most, ++running);
        for (let turn = 0; turn <= item; turn++) await Promise.resolve();
        running -= 1;
        return `${index}:${item}`;
      });
      expect(results).toEqual(items.map((item, index) => `${index}:${item}`));
      expect(most).toBe(Math.min(limit, items.length));
    }),
  );
});

it("rejects with what an item's work rejects with", async () => {
  const work = async (item: number) => {
    if (item === 3) throw new Error("three");
  };
  await expect(mapLimited([1, 2, 3, 4], 2, work)).rejects.toThrow("three");
});

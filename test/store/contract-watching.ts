import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Store } from "../../src/core/ports.ts";
import type { FakeClock } from "../support/clock.ts";

/** What `watch` promises. `current` gives the empty store of the running test, and its clock. */
export function describeWatching(current: () => { store: Store; clock: FakeClock }): void {
  let store: Store;
  let clock: FakeClock;
  const put = async (...args: Parameters<Store["put"]>) => (await store.put(...args)) as number;

  describe("watching", () => {
    beforeEach(() => {
      ({ store, clock } = current());
    });

    it("tells of puts and deletes under the prefix, in order, with versions and values", async () => {
      const seen: Change[] = [];
      store.watch("w/", (change) => seen.push(change));
      const expected: Change[] = [];
      expected.push({ key: "w/1", value: "1", version: await put("w/1", "1") });
      await store.put("v/1", "1");
      expected.push({ key: "w/2", value: "2", version: await put("w/2", "2") });
      expected.push({ key: "w/1", value: "3", version: await put("w/1", "3") });
      await store.delete("w/1");
      const last = await put("w/3", "4");
      await vi.waitFor(() => expect(seen).toHaveLength(5));
      const [deleted] = seen.splice(3, 1);
      expect(seen).toEqual([...expected, { key: "w/3", value: "4", version: last }]);
      expect(deleted).toEqual({ key: "w/1", version: expect.any(Number) });
      expect(deleted?.version).toBeGreaterThan(expected.at(-1)?.version ?? Infinity);
      expect(deleted?.version).toBeLessThan(last);
    });

    it("tells nothing of what came before, of writes that did not happen, or after it is stopped", async () => {
      const version = await put("k", "before");
      const early: Change[] = [];
      const late: Change[] = [];
      const stop = store.watch("", (change) => early.push(change));
      await store.put("k", "1");
      store.watch("", (change) => late.push(change));
      await store.put("k", "no", { ifVersion: version });
      await store.delete("k", { ifVersion: version });
      stop();
      stop();
      await store.put("k", "2");
      await vi.waitFor(() => expect(late).toHaveLength(1));
      expect(early.map((change) => change.value)).toEqual(["1"]);
      expect(late.map((change) => change.value)).toEqual(["2"]);
    });

    it("lets a listener write, and stop itself", async () => {
      const seen: string[] = [];
      const stop = store.watch("", (change) => {
        seen.push(change.value as string);
        if (change.value === "1") void store.put("k", "2");
        else stop();
      });
      await store.put("k", "1");
      await vi.waitFor(() => expect(seen).toEqual(["1", "2"]));
      await store.put("k", "3");
      await clock.advance(1_000);
      expect(seen).toEqual(["1", "2"]);
    });

    it("leaves no timer behind", async () => {
      const stops = [store.watch("a", () => {}), store.watch("b", () => {})];
      await clock.advance(1_000);
      for (const stop of stops) stop();
      expect(clock.timers).toBe(0);
      store.watch("a", () => {});
      await store.close();
      expect(clock.timers).toBe(0);
    });
  });
}

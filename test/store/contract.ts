import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Store } from "../../src/core/ports.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { describeListing } from "./contract-listing.ts";
import { describeModel } from "./contract-model.ts";
import { describeWatching } from "./contract-watching.ts";

/** What every implementation of `Store` promises. `open` makes a new, empty one on the given clock. */
export function describeStore(name: string, open: (clock: FakeClock) => Promise<Store>): void {
  describe(name, () => {
    let clock: FakeClock;
    let store: Store;
    beforeEach(async () => {
      clock = fakeClock();
      store = await open(clock);
    });
    afterEach(() => store.close());

    const keys = async (...args: Parameters<Store["list"]>) =>
      (await store.list(...args)).map((entry) => entry.key);
    const put = async (...args: Parameters<Store["put"]>) => (await store.put(...args)) as number;

    describe("records", () => {
      it("come back as they were put, with the version that put returned", async () => {
        const version = await put("k", '{"a":1}');
        expect(await store.get("k")).toEqual({ key: "k", value: '{"a":1}', version });
        expect(await store.get("other")).toBeUndefined();
      });

      it("get a higher version with every write anywhere, deletes included", async () => {
        const versions = [await put("a", "1"), await put("b", "1"), await put("a", "2")];
        await store.delete("b");
        versions.push(await put("b", "2"));
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      });

      it.each([
        ["NUL", '"a\0b"'],
        ["a lone high surrogate", '"a\ud83d"'],
        ["a lone low surrogate", '"\ude00b"'],
        ["the mark of an escaped value", '\u0001"x"'],
        ["nothing at all", ""],
        ["a megabyte of emoji", `"${"😀".repeat(250_000)}"`],
      ])("keep a value with %s to the letter", async (_, value) => {
        const seen: Change[] = [];
        store.watch("k", (change) => seen.push(change));
        await store.put("k", value);
        expect((await store.get("k"))?.value === value).toBe(true);
        expect((await store.list("k"))[0]?.value === value).toBe(true);
        await vi.waitFor(() => expect(seen[0]?.value === value).toBe(true));
      });

      it.each(["a\0b", "a\ud83d", "\ude00"])("refuse %j as a key in every method", async (key) => {
        const refused = { code: "bad_request", message: expect.stringContaining(JSON.stringify(key)) };
        await expect(store.get(key)).rejects.toMatchObject(refused);
        await expect(store.put(key, "1")).rejects.toMatchObject(refused);
        await expect(store.delete(key)).rejects.toMatchObject(refused);
        await expect(store.list(key)).rejects.toMatchObject(refused);
        await expect(store.list("", { after: key })).rejects.toMatchObject(refused);
        expect(() => store.watch(key, () => {})).toThrow(JSON.stringify(key));
      });
    });

    describe("compare-and-set", () => {
      it("creates only what is not there", async () => {
        const version = await put("k", "1", { ifVersion: 0 });
        expect(version).toBeGreaterThan(0);
        expect(await store.put("k", "2", { ifVersion: 0 })).toBeUndefined();
        expect(await store.get("k")).toEqual({ key: "k", value: "1", version });
      });

      it("updates only the version that it names", async () => {
        const first = await put("k", "1");
        const second = await put("k", "2", { ifVersion: first });
        expect(second).toBeGreaterThan(first);
        expect(await store.put("k", "3", { ifVersion: first })).toBeUndefined();
        expect(await store.put("missing", "3", { ifVersion: first })).toBeUndefined();
        expect((await store.get("k"))?.value).toBe("2");
        expect(await store.get("missing")).toBeUndefined();
      });

      it("deletes only the version that it names, and says whether it did", async () => {
        const first = await put("k", "1");
        const second = await put("k", "2");
        expect(await store.delete("k", { ifVersion: first })).toBe(false);
        expect((await store.get("k"))?.version).toBe(second);
        expect(await store.delete("k", { ifVersion: second })).toBe(true);
        expect(await store.delete("k", { ifVersion: second })).toBe(false);
        expect(await store.delete("k")).toBe(false);
        expect(await store.get("k")).toBeUndefined();
      });

      it("does not mistake a record that was deleted and made again for the earlier one", async () => {
        const first = await put("k", "same");
        await store.delete("k");
        const again = await put("k", "same", { ifVersion: 0 });
        expect(again).toBeGreaterThan(first);
        expect(await store.put("k", "x", { ifVersion: first })).toBeUndefined();
        expect(await store.delete("k", { ifVersion: first })).toBe(false);
        expect((await store.get("k"))?.version).toBe(again);
      });

      it("lets one of many win", async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) => store.put("k", `${i}`, { ifVersion: 0 })),
        );
        expect(results.filter((version) => version !== undefined)).toHaveLength(1);
      });
    });

    describe("expiry", () => {
      it("makes a record invisible to every method from its time on", async () => {
        const version = await put("k", "1", { expiresAt: clock.now() + 100 });
        await clock.advance(99);
        expect((await store.get("k"))?.version).toBe(version);
        expect(await keys("")).toEqual(["k"]);
        await clock.advance(1);
        expect(await store.get("k")).toBeUndefined();
        expect(await keys("")).toEqual([]);
        expect(await store.put("k", "2", { ifVersion: version })).toBeUndefined();
        expect(await store.delete("k")).toBe(false);
        expect(await store.put("k", "3", { ifVersion: 0 })).toBeGreaterThan(version);
      });

      it("is lifted by a put without one", async () => {
        await store.put("k", "1", { expiresAt: clock.now() + 100 });
        await store.put("k", "2");
        await clock.advance(1_000_000);
        expect((await store.get("k"))?.value).toBe("2");
      });

      it("leaves the others alone when expired records are swept", async () => {
        for (let i = 0; i < 600; i++) await store.put(`gone/${i}`, "1", { expiresAt: clock.now() + 1 });
        await clock.advance(1);
        for (let i = 0; i < 1_500; i++)
          await store.put(`kept/${i % 700}`, "1", { expiresAt: clock.now() + 60_000 });
        expect(await keys("", { limit: 10_000 })).toHaveLength(700);
      });
    });

    describeListing(() => store);
    describeWatching(() => ({ store, clock }));
    describeModel(open);

    it("rejects everything with store_unavailable once it is closed", async () => {
      await store.put("k", "1");
      await store.close();
      await store.close();
      const unavailable = { code: "store_unavailable", message: expect.stringContaining("closed") };
      await expect(store.get("k")).rejects.toMatchObject(unavailable);
      await expect(store.put("k", "1")).rejects.toMatchObject(unavailable);
      await expect(store.delete("k")).rejects.toMatchObject(unavailable);
      await expect(store.list("")).rejects.toMatchObject(unavailable);
      expect(() => store.watch("", () => {})).toThrow("closed");
    });
  });
}

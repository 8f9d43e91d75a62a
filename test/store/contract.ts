import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Store } from "../../src/core/ports.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";

const KEYS = ["a", "b", "a/1", "a/2", "a/10", "a%", "a_", "aX", "é", "\uffee", "😀", "😁", "\u{10ffff}", "A", "%"];

/** The order of every store: by code point. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

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

    const keys = async (...args: Parameters<Store["list"]>) => (await store.list(...args)).map((entry) => entry.key);
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
        const results = await Promise.all(Array.from({ length: 20 }, (_, i) => store.put("k", `${i}`, { ifVersion: 0 })));
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
        for (let i = 0; i < 1_500; i++) await store.put(`kept/${i % 700}`, "1", { expiresAt: clock.now() + 60_000 });
        expect(await keys("", { limit: 10_000 })).toHaveLength(700);
      });
    });

    describe("listing", () => {
      beforeEach(async () => {
        for (const key of KEYS.toReversed()) await store.put(key, `"${key}"`);
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
        for (let i = 0; i < 1_001; i++) await store.put(`many/${i}`, "1");
        expect(await keys("many/")).toHaveLength(1_000);
      });
    });

    describe("watching", () => {
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

    it("behaves as a plain map does under any sequence of calls", async () => {
      await fc.assert(fc.asyncProperty(fc.array(command, { maxLength: 60 }), followsModel), { numRuns: 60 });
    });

    const key = fc.constantFrom(...KEYS);
    /** Where a compare-and-set aims: at what is there, at nothing, or at an old version. */
    const aim = fc.constantFrom("current", "none", "stale", undefined);
    const command = fc.oneof(
      fc.record({ do: fc.constant("put" as const), key, aim, lasts: fc.option(fc.integer({ min: 0, max: 50 })) }),
      fc.record({ do: fc.constant("delete" as const), key, aim }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 40 }) }),
      fc.record({
        do: fc.constant("list" as const),
        prefix: fc.oneof(key, fc.constant("")),
        after: fc.option(key, { nil: undefined }),
        reverse: fc.boolean(),
        limit: fc.integer({ min: 0, max: 20 }),
      }),
    );
    type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

    async function followsModel(commands: Command[]): Promise<void> {
      const time = fakeClock();
      const subject = await open(time);
      const model = new Map<string, { value: string; version: number; expiresAt: number }>();
      const liveNow = (at: string) => {
        const found = model.get(at);
        return found && found.expiresAt > time.now() ? found : undefined;
      };
      const versionFor = (at: string, wanted: "current" | "none" | "stale") =>
        wanted === "none" ? 0 : Math.max(0, (liveNow(at)?.version ?? 0) - (wanted === "stale" ? 1 : 0));
      let count = 0;
      let highest = 0;
      for (const step of commands) {
        if (step.do === "wait") await time.advance(step.ms);
        else if (step.do === "list") {
          const { prefix, after, reverse, limit } = step;
          const all = [...model.keys()].filter((at) => liveNow(at) && at.startsWith(prefix)).sort(byCodePoint);
          if (reverse) all.reverse();
          const beyond = (at: string) => after === undefined || byCodePoint(at, after) * (reverse ? -1 : 1) > 0;
          const expected = all.filter(beyond).slice(0, limit);
          const found = await subject.list(prefix, { reverse, limit, ...(after !== undefined && { after }) });
          expect(found).toEqual(expected.map((at) => ({ key: at, ...pick(liveNow(at)) })));
        } else {
          const ifVersion = step.aim && versionFor(step.key, step.aim);
          const holds = ifVersion === undefined || ifVersion === (liveNow(step.key)?.version ?? 0);
          const options = ifVersion === undefined ? {} : { ifVersion };
          if (step.do === "delete") {
            const there = holds && liveNow(step.key) !== undefined;
            expect(await subject.delete(step.key, options)).toBe(there);
            if (there) model.delete(step.key);
          } else {
            const value = `${++count}`;
            const expiresAt = step.lasts === null ? Infinity : time.now() + step.lasts;
            const version = await subject.put(step.key, value, {
              ...options,
              ...(step.lasts !== null && { expiresAt }),
            });
            expect(version !== undefined).toBe(holds);
            if (version === undefined) continue;
            expect(version).toBeGreaterThan(highest);
            highest = version;
            model.set(step.key, { value, version, expiresAt });
          }
        }
      }
      for (const at of KEYS) {
        const expected = liveNow(at);
        expect(await subject.get(at)).toEqual(expected && { key: at, ...pick(expected) });
      }
      await subject.close();
    }
  });
}

function pick(entry: { value: string; version: number } | undefined) {
  return { value: entry?.value, version: entry?.version };
}

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Store } from "../../src/core/ports.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { byCodePoint, KEYS } from "./contract-keys.ts";

/** That a store and a plain map cannot be told apart. */
export function describeModel(open: (clock: FakeClock) => Promise<Store>): void {
  it("behaves as a plain map does under any sequence of calls", async () => {
    const commands = fc.array(command, { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(commands, (list) => followsModel(list, open)),
      { numRuns: 60 },
    );
  }, 30_000);
}

const key = fc.constantFrom(...KEYS);
/** Where a compare-and-set aims: at what is there, at nothing, or at an old version. */
const aim = fc.constantFrom("current", "none", "stale", undefined);
const command = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    key,
    aim,
    lasts: fc.option(fc.integer({ min: 0, max: 50 })),
  }),
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

async function followsModel(commands: Command[], open: (clock: FakeClock) => Promise<Store>): Promise<void> {
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

function pick(entry: { value: string; version: number } | undefined) {
  return { value: entry?.value, version: entry?.version };
}

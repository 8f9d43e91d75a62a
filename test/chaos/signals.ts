import { type Fleet, pause } from "./fleet.ts";
import type { Orchestrators } from "./orchestrators.ts";
import type { SeededRandom } from "./random.ts";

/** Longer than the lease of a process: when it wakes, its runs belong to others. */
const BEYOND_LEASE_MS = 17_000;

/** Where calls have come to a standstill, so long until the next. */
const STANDSTILL_MS = 2_000;

/**
 * Kills, stops and cuts off processes until it is told to end, by its random numbers: every so many
 * calls, so that a slow machine has no more trouble a call than a fast one.
 */
export function disturb(
  random: SeededRandom,
  calls: () => number,
  fleet: Fleet,
  orchestrators: Orchestrators,
  instances: readonly string[],
  keyed: readonly string[],
): { end(): Promise<void> } {
  let ended = false;
  const away = new Set<string>();
  const under = new Set<Promise<void>>();

  /** An instance has one trouble at a time, and most of them none. */
  async function once(work: (name: string, ms: number) => Promise<void>): Promise<void> {
    const name = random.one(instances);
    const ms = random.between(50, 1_000);
    if (away.has(name) || away.size > 1) return;
    away.add(name);
    await work(name, ms);
    away.delete(name);
  }

  function next(): Promise<void> {
    const kind = random.next();
    if (kind < 0.44) return orchestrators.kill(random);
    if (kind < 0.46) return orchestrators.freeze(random, BEYOND_LEASE_MS);
    if (kind < 0.57) return orchestrators.freeze(random, random.between(50, 2_000));
    if (kind < 0.68) return once((name, ms) => fleet.kill(name, ms));
    if (kind < 0.79) return once((name, ms) => fleet.freeze(name, ms * 2));
    if (kind < 0.9) return once((name, ms) => fleet.refuse(name, ms));
    fleet.changeKey(random.one(keyed));
    return Promise.resolve();
  }

  async function progress(count: number): Promise<void> {
    const due = calls() + count;
    const latest = performance.now() + STANDSTILL_MS;
    while (!ended && calls() < due && performance.now() < latest) await pause(20);
  }

  async function go(): Promise<void> {
    while (!ended) {
      await progress(random.between(6, 26));
      const work = next();
      under.add(work);
      void work.then(() => under.delete(work));
    }
    await Promise.all(under);
  }

  const gone = go();
  return {
    end() {
      ended = true;
      return gone;
    },
  };
}

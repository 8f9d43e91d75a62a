import type { HealthRecord } from "../core/health.ts";
import type { Instance } from "../core/instance.ts";
import type { Explanation } from "../core/run.ts";
import { isSick } from "./health.ts";

/** An instance that refused so recently is not asked again by the next call. */
const REFUSAL_STANDS_MS = 5_000;

export interface Candidates {
  /** Who is asked, in this order. */
  order: Instance[];
  excluded: Explanation["excluded"];
  /** The observer is the likelier fault: each is tried once, whatever is believed of it. */
  doubtful: boolean;
}

/**
 * Orders the picked instances by their health: the sick go last, and one that was found sick within
 * the last 5 s is left out. When all of them are sick and so is more than half of a fleet of three or
 * more, they are doubted rather than left out, unless every one refused within the last 5 s.
 */
export function orderByHealth(
  picked: readonly Instance[],
  fleet: readonly Instance[],
  healthOf: (instance: Instance) => HealthRecord,
  now: number,
): Candidates {
  const sick = picked.filter((instance) => isSick(healthOf(instance)));
  if (sick.length === 0) return { order: [...picked], excluded: [], doubtful: false };
  const well = picked.filter((instance) => !sick.includes(instance));
  const refusedLately = sick.filter(
    (instance) => now - (healthOf(instance).observedAt ?? 0) <= REFUSAL_STANDS_MS,
  );
  const doubtful = well.length === 0 && refusedLately.length < sick.length && mostLookDown(fleet, healthOf);
  if (doubtful) return { order: sick, excluded: [], doubtful };
  return {
    order: [...well, ...sick.filter((instance) => !refusedLately.includes(instance))],
    excluded: refusedLately.map((instance) => {
      const { state, reason } = healthOf(instance);
      return { instance: instance.name, reason: `${state}: ${reason}` };
    }),
    doubtful,
  };
}

function mostLookDown(fleet: readonly Instance[], healthOf: (instance: Instance) => HealthRecord): boolean {
  if (fleet.length < 3) return false;
  const down = fleet.filter((instance) => healthOf(instance).state === "down").length;
  return down * 2 > fleet.length;
}

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

/** What is believed of the instances. */
export interface Beliefs {
  of: (instance: Instance) => HealthRecord;
  /** Why the breaker lets nothing through, in words; undefined where it does. */
  blocks: (instance: Instance) => string | undefined;
}

/**
 * Orders the picked instances by their health: the sick go last, and one that was found sick within
 * the last 5 s, or that its breaker holds off, is left out. When all of them are sick and so is more
 * than half of a fleet of three or more, they are doubted rather than left out, unless every one
 * refused within the last 5 s.
 */
export function orderByHealth(
  picked: readonly Instance[],
  fleet: readonly Instance[],
  { of: healthOf, blocks }: Beliefs,
  now: number,
): Candidates {
  const sick = picked.filter((instance) => isSick(healthOf(instance)) || blocks(instance) !== undefined);
  if (sick.length === 0) return { order: [...picked], excluded: [], doubtful: false };
  const well = picked.filter((instance) => !sick.includes(instance));
  const refusedLately = sick.filter(
    (instance) => now - (healthOf(instance).observedAt ?? 0) <= REFUSAL_STANDS_MS,
  );
  const looksDown = (instance: Instance) =>
    healthOf(instance).state === "down" || blocks(instance) !== undefined;
  const doubtful = well.length === 0 && refusedLately.length < sick.length && mostOf(fleet, looksDown);
  if (doubtful) return { order: sick, excluded: [], doubtful };
  const left = sick.filter((instance) => refusedLately.includes(instance) || blocks(instance) !== undefined);
  return {
    order: [...well, ...sick.filter((instance) => !left.includes(instance))],
    excluded: left.map((instance) => ({
      instance: instance.name,
      reason: whyLeftOut(healthOf(instance), blocks(instance)),
    })),
    doubtful,
  };
}

/** A state that is sick says more than the breaker, which follows from it. */
function whyLeftOut(health: HealthRecord, blocked: string | undefined): string {
  const state = `${health.state}: ${health.reason}`;
  if (blocked === undefined) return state;
  return isSick(health) ? `${state} (${blocked.replace(/: .*/s, "")})` : blocked;
}

function mostOf(fleet: readonly Instance[], looksDown: (instance: Instance) => boolean): boolean {
  return fleet.length >= 3 && fleet.filter(looksDown).length * 2 > fleet.length;
}

import type { HealthTransition } from "../core/health.ts";

/** So many transitions of one instance are kept. */
const MOST_TRANSITIONS = 20;
/** So many of the runs that went elsewhere are named; all are counted. */
const MOST_RUNS = 20;

/** What one process saw of an instance in one state, since it last told. */
export type Sighting = Omit<HealthTransition, "from">;

/** Adds what was seen to the sightings not yet stored; those of one state become one. Pure. */
export function addSighting(sightings: readonly Sighting[], next: Sighting): Sighting[] {
  const last = sightings.at(-1);
  return last?.to === next.to ? [...sightings.slice(0, -1), joined(last, next)] : [...sightings, next];
}

/** The stored transitions, oldest first, with what one process saw since. Pure. */
export function record(
  transitions: readonly HealthTransition[],
  sightings: readonly Sighting[],
): HealthTransition[] {
  const all = [...transitions];
  for (const sighting of sightings) {
    const last = all.at(-1);
    if (last?.to === sighting.to) all[all.length - 1] = { ...joined(last, sighting), from: last.from };
    else all.push({ ...sighting, from: last?.to ?? "unknown" });
  }
  return all.slice(-MOST_TRANSITIONS);
}

/** The first sighting says since when and why; the counts are those of both. */
function joined(first: Sighting, next: Sighting): Sighting {
  return {
    ...first,
    calls: first.calls + next.calls,
    polls: first.polls + next.polls,
    rerouted: first.rerouted + next.rerouted,
    runIds: [...first.runIds, ...next.runIds].slice(-MOST_RUNS),
  };
}

import { describe, expect, it } from "vitest";
import type { HealthState } from "../../src/core/health.ts";
import { addSighting, record, type Sighting } from "../../src/policy/health-history.ts";

const seen = (to: HealthState, at: number, facts: Partial<Sighting> = {}): Sighting => ({
  to,
  at,
  reason: `seen at ${at}`,
  calls: 1,
  polls: 0,
  rerouted: 0,
  runIds: [],
  ...facts,
});

const poll = { calls: 0, polls: 1 };

describe("the record of an instance's health", () => {
  it("dates a state from who saw it first, and counts all who saw it", () => {
    const sightings = [seen("down", 1), seen("down", 2, poll), seen("down", 3)].reduce(
      addSighting,
      [] as Sighting[],
    );
    expect(record([], sightings)).toEqual([
      {
        from: "unknown",
        to: "down",
        at: 1,
        reason: "seen at 1",
        calls: 2,
        polls: 1,
        rerouted: 0,
        runIds: [],
      },
    ]);
  });

  it("adds what another process saw of the same state, and begins a new entry for another", () => {
    const first = record([], [seen("healthy", 1, poll), seen("down", 2)]);
    const second = record(first, [seen("down", 9, poll), seen("healthy", 10)]);
    expect(second.map(({ from, to, at, calls, polls }) => [from, to, at, calls, polls])).toEqual([
      ["unknown", "healthy", 1, 0, 1],
      ["healthy", "down", 2, 1, 1],
      ["down", "healthy", 10, 1, 0],
    ]);
  });

  it("keeps the last twenty changes, and names the last twenty runs of all that it counts", () => {
    const flapping = Array.from({ length: 31 }, (_, at) => seen(at % 2 === 0 ? "down" : "healthy", at));
    const kept = record([], flapping);
    expect(kept).toHaveLength(20);
    expect(kept.at(-1)).toMatchObject({ to: "down", at: 30 });
    const runs = Array.from({ length: 25 }, (_, at) =>
      seen("down", at, { calls: 0, rerouted: 1, runIds: [`run-${at}`] }),
    );
    const [all] = record([], runs.reduce(addSighting, [] as Sighting[]));
    expect(all).toMatchObject({ rerouted: 25, calls: 0 });
    expect(all?.runIds).toEqual(Array.from({ length: 20 }, (_, at) => `run-${at + 5}`));
  });
});

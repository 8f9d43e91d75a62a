import { describe, expect, it } from "vitest";
import { changes, roundJson } from "../../src/cli/health-round.ts";
import type { InstanceHealth } from "../../src/core/answers.ts";
import { OrchestratorError } from "../../src/core/errors.ts";

const of = (instance: string, state: InstanceHealth["state"], reason: string = state): InstanceHealth => ({
  instance,
  state,
  reason,
});

describe("what has changed", () => {
  it("is who is in another state, who has come and who has gone", () => {
    const before = [of("A", "healthy"), of("B", "healthy"), of("C", "down")];
    const now = [of("A", "healthy"), of("B", "down", "connection refused"), of("D", "healthy")];
    expect(changes(before, now)).toEqual([
      { instance: "B", from: "healthy", to: "down", reason: "connection refused" },
      { instance: "D", from: "unknown", to: "healthy", reason: "healthy" },
      { instance: "C", from: "down", to: "unknown", reason: "it is no longer in the fleet" },
    ]);
  });

  it("is nothing when all is as it was, also for a name that nobody has", () => {
    const same = [of("A", "degraded"), of("Z", "unknown")];
    expect(changes(same, same)).toEqual([]);
  });
});

describe("a round for programs", () => {
  const at = new Date("2026-01-02T03:04:05.678Z");

  it("has the time, the states and what has changed", () => {
    const round = { at, found: [of("A", "healthy"), of("B", "down")], changed: [] };
    expect(roundJson(round, false)).toEqual({
      at: "2026-01-02T03:04:05.678Z",
      health: { A: "healthy", B: "down" },
      changed: [],
    });
    expect(roundJson(round, true)).toMatchObject({ health: { B: { state: "down", reason: "down" } } });
  });

  it("or the error that kept it from being looked", () => {
    const error = new OrchestratorError("instance_down", "no server").toBody();
    expect(roundJson({ at, error }, false)).toEqual({ at: "2026-01-02T03:04:05.678Z", error });
  });
});

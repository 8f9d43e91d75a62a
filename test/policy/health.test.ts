import { describe, expect, it } from "vitest";
import type { HealthRecord } from "../../src/core/health.ts";
import { isSick, type Observation, observe, unobserved } from "../../src/policy/health.ts";

const trouble: Observation = { kind: "trouble", reason: "no answer in time" };
const ok: Observation = { kind: "ok" };
const draining: Observation = { kind: "draining", reason: "shutting down" };
const poll = (state: "healthy" | "degraded" | "down" | "draining"): Observation => ({
  kind: "poll",
  probe: { state, reason: `answered ${state}`, latencyMs: 5, storeId: "j" },
});

/** The states that a row of observations leads through, one a second. */
function states(...observations: Observation[]): string[] {
  let record = unobserved(0);
  return observations.map((observation, second) => {
    record = observe(record, observation, second * 1_000);
    return record.state;
  });
}

function after(...observations: Observation[]): HealthRecord {
  return observations.reduce((record, each, second) => observe(record, each, second * 1_000), unobserved(0));
}

describe("the health of an instance", () => {
  it("is unknown until something is seen", () => {
    expect(unobserved(7)).toMatchObject({ state: "unknown", since: 7, reason: "not checked yet" });
  });

  it("is down at once when it cannot be reached", () => {
    expect(states(ok, { kind: "unreachable", reason: "connection refused" })).toEqual(["healthy", "down"]);
  });

  it("is degraded by trouble, and down by the third in a row", () => {
    expect(states(trouble, trouble, trouble, trouble)).toEqual(["degraded", "degraded", "down", "down"]);
    expect(states(trouble, trouble, ok, trouble)).toEqual(["degraded", "degraded", "healthy", "degraded"]);
  });

  it("stays draining while it still answers, until a poll says otherwise", () => {
    expect(states(draining, ok, ok, poll("healthy"))).toEqual([
      "draining",
      "draining",
      "draining",
      "healthy",
    ]);
  });

  it("is what a poll says", () => {
    expect(states(poll("down"), poll("degraded"), poll("draining"), poll("healthy"))).toEqual([
      "down",
      "degraded",
      "draining",
      "healthy",
    ]);
  });

  it("dates from when the state began, not from the last observation", () => {
    expect(after(ok, ok, trouble, trouble)).toMatchObject({
      state: "degraded",
      since: 2_000,
      observedAt: 3_000,
    });
  });

  it("keeps what a poll measured when a call says something newer", () => {
    expect(after(poll("healthy"), trouble)).toMatchObject({ latencyMs: 5, storeId: "j", failures: 1 });
  });

  it("is sick when work should rather go elsewhere", () => {
    const sick = (["healthy", "degraded", "unknown", "draining", "down"] as const).filter((state) =>
      isSick({ ...unobserved(0), state }),
    );
    expect(sick).toEqual(["draining", "down"]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, CLOSED, claimed, failed, isDue, probed, succeeded } from "../../src/policy/breaker.ts";

const failing = (times: number, now = 0, from: Breaker = CLOSED) =>
  Array.from({ length: times }).reduce<Breaker>((breaker) => failed(breaker, "reset", now), from);

/** Opened at 0, and found no better by so many checks, each as soon as it was due. */
function reopened(checks: number): { breaker: Breaker; now: number } {
  let breaker = failing(5);
  let now = 0;
  for (let check = 0; check < checks; check++) {
    now = "until" in breaker ? breaker.until : Number.NaN;
    const half = claimed(breaker, "p", now) as Breaker;
    breaker = probed(half, { probeBy: "p", well: false, reason: "still" }, now);
  }
  return { breaker, now };
}

describe("a breaker", () => {
  it("opens for five seconds by the fifth failure in a row, and says why", () => {
    expect(failing(4)).toEqual({ state: "closed", failures: 4 });
    expect(failing(5, 1_000)).toEqual({
      state: "open",
      since: 1_000,
      until: 6_000,
      trips: 1,
      reason: "reset",
    });
  });

  it("counts from the start after each success", () => {
    expect(failing(4, 0, succeeded(failing(4), 0))).toEqual({ state: "closed", failures: 4 });
  });

  it("stays open when an attempt that began before it opened goes well, and closes after a later one", () => {
    const open = failing(5, 1_000);
    expect(succeeded(open, 1_000)).toBe(open);
    expect(succeeded(open, 1_001)).toBe(CLOSED);
  });

  it("is due for its check when its time is over, not before, and only for one process", () => {
    const open = failing(5);
    expect(claimed(open, "p", 4_999)).toBeUndefined();
    expect(isDue(open, 4_999)).toBe(false);
    const half = claimed(open, "p", 5_000);
    expect(half).toMatchObject({ state: "half-open", probeBy: "p", until: 15_000 });
    expect(claimed(half as Breaker, "q", 14_999)).toBeUndefined();
    expect(claimed(half as Breaker, "q", 15_000)).toMatchObject({ probeBy: "q" });
    expect(claimed(CLOSED, "p", 5_000)).toBeUndefined();
  });

  it("closes when the check finds it well, and hears of no check but that of who claimed it", () => {
    const half = claimed(failing(5), "p", 5_000) as Breaker;
    expect(probed(half, { probeBy: "q", well: true, reason: "" }, 5_001)).toBe(half);
    expect(probed(half, { probeBy: "p", well: true, reason: "" }, 5_001)).toBe(CLOSED);
    const open = failing(5);
    expect(probed(open, { probeBy: "p", well: true, reason: "" }, 5_001)).toBe(open);
  });

  it("stays open twice as long after each check that finds it no better, a minute at most", () => {
    const spans = [0, 1, 2, 3, 4, 9].map((checks) => {
      const { breaker, now } = reopened(checks);
      return "until" in breaker ? breaker.until - now : 0;
    });
    expect(spans).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(reopened(1).breaker).toMatchObject({ state: "open", since: 5_000, reason: "still" });
  });

  it("is never open with a success since the fifth failure, nor closed with five since a success", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (outcomes) => {
        let breaker = CLOSED;
        let row = 0;
        for (const [at, well] of outcomes.entries()) {
          // Each attempt begins after everything before it.
          breaker = well ? succeeded(breaker, at + 0.5) : failed(breaker, "reset", at);
          row = well ? 0 : row + 1;
          expect(breaker.state).toBe(row >= 5 ? "open" : "closed");
        }
      }),
    );
  });
});

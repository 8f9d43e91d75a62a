import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryDelay } from "../../src/policy/backoff.ts";

const moment = { round: 0, remainingMs: 600_000, random: () => 0.5 };

describe("the delay before a retry", () => {
  it("is a random part of 200 ms, doubled each round, up to 10 s", () => {
    const delays = [0, 1, 2, 3, 5, 6, 20, 2_000].map((round) => retryDelay({ ...moment, round }));
    expect(delays).toEqual([100, 200, 400, 800, 3_200, 5_000, 5_000, 5_000]);
  });

  it("may be nothing: the jitter is full", () => {
    expect(retryDelay({ ...moment, round: 9, random: () => 0 })).toBe(0);
  });

  it("is never less than Retry-After", () => {
    expect(retryDelay({ ...moment, retryAfterMs: 3_000 })).toBe(3_000);
    expect(retryDelay({ ...moment, retryAfterMs: 50 })).toBe(100);
  });

  it("is none where the deadline comes first", () => {
    expect(retryDelay({ ...moment, retryAfterMs: 3_000, remainingMs: 3_000 })).toBeUndefined();
    expect(retryDelay({ ...moment, remainingMs: 0 })).toBeUndefined();
    expect(retryDelay({ ...moment, remainingMs: -5, random: () => 0 })).toBeUndefined();
  });

  it("lies between Retry-After and the deadline, always", () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.nat(20_000),
        fc.nat(20_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (round, retryAfterMs, remainingMs, random) => {
          const delay = retryDelay({ round, retryAfterMs, remainingMs, random: () => random });
          if (delay === undefined) return;
          expect(delay).toBeGreaterThanOrEqual(retryAfterMs);
          expect(delay).toBeLessThan(remainingMs);
          expect(delay).toBeLessThanOrEqual(Math.max(retryAfterMs, 10_000));
        },
      ),
    );
  });
});

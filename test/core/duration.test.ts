import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duration, durationOrZero, parseDuration } from "../../src/core/duration.ts";

/** What Node's timers can wait. */
const LONGEST_MS = 2 ** 31 - 1;

describe("a duration", () => {
  it.each([
    [10, 10_000],
    [0.25, 250],
    [0, 0],
    ["10s", 10_000],
    ["500ms", 500],
    ["5m", 300_000],
    ["1.5h", 5_400_000],
    ["2d", 172_800_000],
    ["10", 10_000],
    [" 10 s ", 10_000],
  ])("%j is %d ms", (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  it.each([
    "",
    "s",
    "-1s",
    "1e3",
    "10 minutes",
    "1m30s",
    "10S",
    ".5s",
    "1.s",
    "١s",
    "Infinity",
    "0x10",
    "25d",
  ])("%j is none", (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });

  it.each([-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY, LONGEST_MS / 1000 + 1])(
    "%d is none",
    (value) => {
      expect(parseDuration(value)).toBeUndefined();
    },
  );

  it("is a whole number of milliseconds that a timer can wait, the same as a number and as text", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_MS }), (ms) => {
        expect(parseDuration(`${ms}ms`)).toBe(ms);
        expect(parseDuration(ms / 1000)).toBe(ms);
        expect(parseDuration((ms / 1000).toFixed(3))).toBe(ms);
      }),
    );
  });

  it("is in range or none, whatever the number or text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.string()), (value) => {
        const ms = parseDuration(value) ?? 0;
        expect(Number.isInteger(ms) && ms >= 0 && ms <= LONGEST_MS).toBe(true);
      }),
    );
  });
});

describe("the schemas of durations", () => {
  it("parse to milliseconds", () => {
    expect(duration.parse("10s")).toBe(10_000);
    expect(durationOrZero.parse(0)).toBe(0);
  });

  it("refuse nothing at all where time must pass", () => {
    expect(duration.safeParse(0).success).toBe(false);
    expect(duration.safeParse("0.1ms").success).toBe(false);
    expect(duration.safeParse("1ms").success).toBe(true);
  });

  it.each([-5, "soon", true, null, {}, Number.NaN])("refuse %j and show what is right", (value) => {
    for (const schema of [duration, durationOrZero]) {
      const parsed = schema.safeParse(value);
      expect(parsed.error?.issues).toHaveLength(1);
      expect(parsed.error?.issues[0]?.message).toContain('"500ms"');
    }
  });
});

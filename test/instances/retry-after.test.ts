import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../src/instances/retry-after.ts";

const LONGEST = 2 ** 31 - 1;

describe("Retry-After", () => {
  it("in seconds is so many milliseconds, up to what a timer can hold", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer(), (seconds, now) => {
        expect(retryAfterMs(String(seconds), now)).toBe(Math.min(seconds * 1000, LONGEST));
      }),
    );
  });

  it("as an HTTP date is the time until then, and never less than nothing", () => {
    const wholeSecond = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000);
    fc.assert(
      fc.property(wholeSecond, wholeSecond, (at, now) => {
        expect(retryAfterMs(new Date(at).toUTCString(), now)).toBe(Math.min(Math.max(0, at - now), LONGEST));
      }),
    );
  });

  it("is understood in each of HTTP's three forms of a date", () => {
    const now = Date.UTC(1994, 10, 6, 8, 49, 7);
    for (const date of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]) {
      expect(retryAfterMs(date, now), date).toBe(30_000);
    }
  });

  it("is nothing or a time that a timer can hold, whatever is sent", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9e]*$/)), fc.integer(), (text, now) => {
        const ms = retryAfterMs(text, now);
        expect(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= LONGEST)).toBe(true);
      }),
    );
  });

  it.each([undefined, "", " ", "-1", "1.5", "1e3", "soon", "Sun, soon", "2030-01-01"])(
    "that is neither says nothing: %j",
    (text) => {
      expect(retryAfterMs(text, 0)).toBeUndefined();
    },
  );

  it("that is repeated counts once", () => {
    expect(retryAfterMs(["3", "5"], 0)).toBe(3000);
  });
});

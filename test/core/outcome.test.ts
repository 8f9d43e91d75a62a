import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DELIVERIES, hasReply, REPLIES, strongerDelivery } from "../../src/core/delivery.ts";

const delivery = fc.constantFrom(...DELIVERIES);
const rank = (one: (typeof DELIVERIES)[number]) => DELIVERIES.indexOf(one);

describe("the stronger of two deliveries", () => {
  it("is accepted before unknown before not_sent", () => {
    expect(strongerDelivery("not_sent", "unknown")).toBe("unknown");
    expect(strongerDelivery("accepted", "unknown")).toBe("accepted");
    expect(strongerDelivery("not_sent", "not_sent")).toBe("not_sent");
  });

  it("never goes down, whatever is learned in whatever order", () => {
    fc.assert(
      fc.property(fc.array(delivery, { minLength: 1 }), (learned) => {
        const known = learned.reduce((before, next) => {
          const after = strongerDelivery(before, next);
          expect(rank(after)).toBeGreaterThanOrEqual(rank(before));
          return after;
        }, "not_sent");
        expect(rank(known)).toBe(Math.max(...learned.map(rank)));
        expect(learned.toReversed().reduce(strongerDelivery)).toBe(known);
      }),
    );
  });
});

describe("a reply", () => {
  it("has come once it is done, failed or cancelled", () => {
    expect(REPLIES.filter(hasReply)).toEqual(["done", "failed", "cancelled"]);
  });
});

import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Line, type Place } from "../../src/host/line.ts";

function queue(turns: number) {
  const line = new Line(turns);
  const begun: number[] = [];
  const reserve = (order: number) => line.reserve(order) as Place;
  const take = async (place: Place, order: number, cancellation = new Cancellation()) => {
    await place.take(cancellation);
    begun.push(order);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { line, begun, reserve, take, settle };
}

describe("a line", () => {
  it("lets nobody pass a place that is reserved and not yet taken", async () => {
    const { begun, reserve, take, settle } = queue(1);
    const [first, second] = [reserve(1), reserve(2)];
    void take(second, 2);
    await settle();
    expect(begun).toEqual([]);
    void take(first, 1);
    await settle();
    expect(begun).toEqual([1]);
    first.leave();
    await settle();
    expect(begun).toEqual([1, 2]);
  });

  it("lets nobody pass it either when there is a turn to spare", async () => {
    const { begun, reserve, take, settle } = queue(2);
    const [first, second] = [reserve(1), reserve(2)];
    void take(second, 2);
    await settle();
    expect(begun).toEqual([]);
    void take(first, 1);
    await settle();
    expect(begun.sort()).toEqual([1, 2]);
  });

  it("moves on when a reserved place is given up", async () => {
    const { line, begun, reserve, take, settle } = queue(1);
    const [first, second] = [reserve(1), reserve(2)];
    void take(second, 2);
    first.leave();
    await settle();
    expect(begun).toEqual([2]);
    second.leave();
    expect(line.empty).toBe(true);
  });

  it("has no place for a number that is taken, or behind one that has begun", async () => {
    const { line, reserve, take, settle } = queue(1);
    void take(reserve(5), 5);
    await settle();
    expect([line.reserve(5), line.reserve(4)]).toEqual([undefined, undefined]);
    expect(line.reserve(6)).toBeDefined();
  });

  it("gives up the place of one that is cancelled while it waits, and not of one that has begun", async () => {
    const { line, begun, reserve, take, settle } = queue(1);
    const cancellation = new Cancellation();
    void take(reserve(1), 1, cancellation);
    const waits = take(reserve(2), 2, cancellation);
    await settle();
    cancellation.cancel();
    await expect(waits).rejects.toMatchObject({ code: "cancelled" });
    expect([begun, line.begun, line.empty]).toEqual([[1], 1, false]);
    await expect(take(reserve(3), 3, cancellation)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("gives as many turns at once as it has", async () => {
    const { line, begun, take, settle } = queue(3);
    const places = Array.from({ length: 5 }, () => line.append());
    for (const [order, place] of places.entries()) void take(place, order);
    await settle();
    expect([begun, line.begun]).toEqual([[0, 1, 2], 3]);
    places[1]!.leave();
    await settle();
    expect(begun).toEqual([0, 1, 2, 3]);
  });
});

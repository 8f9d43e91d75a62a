import fc from "fast-check";
import { expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Slots } from "../../src/policy/slots.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

it("lets 64 in where nothing else is said, and as many as is said otherwise", () => {
  const slots = new Slots();
  const taken = (id: string, most?: number) => {
    let count = 0;
    while (slots.take(id, most)) count += 1;
    return count;
  };
  expect([taken("A"), taken("B", 3)]).toEqual([64, 3]);
  expect([slots.inFlight("A"), slots.inFlight("B"), slots.inFlight("C")]).toEqual([64, 3, 0]);
});

it("lets those who wait in by the order of their coming, before anyone new", async () => {
  const slots = new Slots();
  slots.take("A", 1);
  const order: number[] = [];
  const cancellation = new Cancellation();
  for (const who of [1, 2, 3]) void slots.wait("A", cancellation, 1).then(() => order.push(who));
  await settle();
  expect(order).toEqual([]);
  for (let turn = 1; turn <= 3; turn++) {
    slots.release("A");
    expect(slots.take("A", 1)).toBe(false);
    await settle();
    expect(order).toEqual([1, 2, 3].slice(0, turn));
  }
  slots.release("A");
  expect(slots.inFlight("A")).toBe(0);
  expect(slots.take("A", 1)).toBe(true);
});

it("turns away who comes when sixteen wait for each slot", async () => {
  const slots = new Slots();
  const cancellation = new Cancellation();
  const places = Array.from({ length: 2 + 32 }, () => slots.wait("A", cancellation, 2));
  await settle();
  expect(await slots.wait("A", cancellation, 2)).toBe("full");
  slots.release("A");
  await settle();
  const last = slots.wait("A", cancellation, 2);
  cancellation.cancel();
  expect(await last).toBe("cancelled");
  expect((await Promise.all(places)).filter((place) => place === "taken")).toHaveLength(3);
});

it("who is cancelled while waiting takes nothing, and blocks nobody", async () => {
  const slots = new Slots();
  slots.take("A", 1);
  const given = new Cancellation();
  const gaveUp = slots.wait("A", given, 1);
  const next = slots.wait("A", new Cancellation(), 1);
  given.cancel();
  expect(await gaveUp).toBe("cancelled");
  slots.release("A");
  expect(await next).toBe("taken");
  expect(slots.inFlight("A")).toBe(1);
  slots.release("A");
  expect(await slots.wait("A", given, 1)).toBe("cancelled");
  expect(slots.inFlight("A")).toBe(0);
});

it("never has more in flight than allowed, and everyone comes out", async () => {
  const task = fc.record({ turns: fc.nat(3), cancelAfter: fc.option(fc.nat(3)) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(task, { maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      async (tasks, most) => {
        const slots = new Slots();
        let running = 0;
        const ends = await Promise.all(
          tasks.map(async ({ turns, cancelAfter }) => {
            const cancellation = new Cancellation();
            void (async () => {
              for (let turn = 0; turn < (cancelAfter ?? 0); turn++) await Promise.resolve();
              if (cancelAfter !== null) cancellation.cancel();
            })();
            const place = await slots.wait("A", cancellation, most);
            if (place !== "taken") return place;
            running += 1;
            expect(running).toBeLessThanOrEqual(most);
            expect(slots.inFlight("A")).toBeLessThanOrEqual(most);
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            running -= 1;
            slots.release("A");
            return place;
          }),
        );
        expect(ends).toHaveLength(tasks.length);
        expect(slots.inFlight("A")).toBe(0);
      },
    ),
  );
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { RetryBudget } from "../../src/policy/budget.ts";
import { fakeClock } from "../support/clock.ts";

function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (taken < 1_000 && budget.take()) taken += 1;
  return taken;
}

it("allows ten retries to who has made no call, and no more", () => {
  expect(takeAll(new RetryBudget(fakeClock().monotonic))).toBe(10);
});

it("allows one more for every five calls", () => {
  const budget = new RetryBudget(fakeClock().monotonic);
  for (let call = 0; call < 99; call++) budget.called();
  expect(takeAll(budget)).toBe(10 + 19);
});

it("forgets calls and retries that are ten seconds old, and no younger ones", async () => {
  const clock = fakeClock();
  const budget = new RetryBudget(clock.monotonic);
  for (let call = 0; call < 50; call++) budget.called();
  expect(takeAll(budget)).toBe(20);
  await clock.advance(9_000);
  expect(takeAll(budget)).toBe(0);
  await clock.advance(1_000);
  expect(takeAll(budget)).toBe(10);
  await clock.advance(3_600_000);
  expect(takeAll(budget)).toBe(10);
});

it("never allows more than a fifth of the window's calls plus ten, whatever comes when", async () => {
  const step = fc.record({ ms: fc.nat(4_000), calls: fc.nat(30), wanted: fc.nat(30) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let now = 0;
      const budget = new RetryBudget(() => now);
      const calls: number[] = [];
      const retries: number[] = [];
      const recent = (times: number[]) =>
        times.filter((at) => Math.floor(now / 1_000) - Math.floor(at / 1_000) < 10).length;
      for (const { ms, calls: count, wanted } of steps) {
        now += ms;
        for (let call = 0; call < count; call++) {
          budget.called();
          calls.push(now);
        }
        for (let retry = 0; retry < wanted; retry++) {
          const allowed = recent(retries) < 10 + Math.floor(recent(calls) / 5);
          expect(budget.take()).toBe(allowed);
          if (allowed) retries.push(now);
        }
      }
    }),
  );
});

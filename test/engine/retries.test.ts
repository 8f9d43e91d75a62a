import { describe, expect, it } from "vitest";
import { closedPort, startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { done, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, testEngine } from "./harness.ts";

const overloaded = refuse(503, { code: "overloaded", delivery: "not_sent" });

describe("retries", () => {
  it("makes as many rounds as were asked for after the first, and no more", async () => {
    const a = await startServer();
    a.play(overloaded);
    const { delegate } = testEngine({ fleet: { A: a.url } });
    await refusalOf(delegate({ instances: ["A"] }));
    expect(a.requests).toHaveLength(4);
    await refusalOf(delegate({ instances: ["A"], retries: 1 }));
    expect(a.requests).toHaveLength(6);
    await refusalOf(delegate({ instances: ["A"], retries: 0 }));
    expect(a.requests).toHaveLength(7);
  });

  it("carries the same key each time, and another for another instance", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(overloaded, overloaded, done());
    b.play(overloaded);
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    await delegate({ instances: ["A", "B"] });
    const keys = (server: typeof a) =>
      new Set(server.requests.map(({ headers }) => headers["idempotency-key"]));
    expect(keys(a).size).toBe(1);
    expect(keys(b).size).toBe(1);
    expect([...keys(a)][0]).not.toBe([...keys(b)][0]);
  });

  it("waits between rounds for a random part of 200 ms, doubled each time", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(overloaded);
    const { delegate } = testEngine({ fleet: { A: a.url }, clock, random: () => 0.35 });
    const call = refusalOf(delegate({ instances: ["A"] }));
    for (const [round, delay] of [70, 140, 280].entries()) {
      await expect.poll(() => clock.due).toContain(delay);
      expect(a.requests).toHaveLength(round + 1);
      await clock.advance(delay);
    }
    await call;
    expect(a.requests).toHaveLength(4);
  });

  it("obeys Retry-After, to the last millisecond", async () => {
    const a = await startServer();
    a.play(refuse(429, { code: "rate_limited", delivery: "not_sent" }, { "retry-after": 1 }), done());
    const { delegate } = testEngine({ fleet: { A: a.url } });
    const startedAt = performance.now();
    // With a single retry, one that came a moment too early would be the last.
    expect(await delegate({ instances: ["A"], retries: 1 })).toMatchObject({ reply: "done" });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
    expect(a.requests).toHaveLength(2);
  });

  it("asks the others meanwhile, and in the last round also who asked for more time", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(refuse(503, { code: "overloaded", delivery: "not_sent" }, { "retry-after": 1 }), done("from A"));
    b.play(overloaded);
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    expect(await delegate({ instances: ["A", "B"] })).toMatchObject({ instance: "A", result: "from A" });
    expect([a.requests.length, b.requests.length]).toEqual([2, 3]);
  });

  it("gives up at once when Retry-After lies beyond the deadline", async () => {
    const a = await startServer();
    a.play(refuse(503, { code: "overloaded", delivery: "not_sent" }, { "retry-after": 60 }));
    const { delegate } = testEngine({ fleet: { A: a.url } });
    const startedAt = performance.now();
    const error = await refusalOf(delegate({ instances: ["A"], timeout: 5 }));
    expect(error).toMatchObject({ code: "overloaded", delivery: "not_sent", retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(a.requests).toHaveLength(1);
  });

  it("stops between rounds when the caller cancels", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(overloaded);
    const { delegate, engine } = testEngine({ fleet: { A: a.url }, clock, random: () => 0.5 });
    const call = refusalOf(delegate({ instances: ["A"] }));
    await expect.poll(() => clock.due[0]).toBe(100);
    await engine.cancelAll("Enough.");
    expect(await call).toMatchObject({ code: "overloaded", delivery: "not_sent" });
    expect(a.requests).toHaveLength(1);
  });

  it("tries each once when most of the fleet looks down: the observer is the likelier fault", async () => {
    const clock = fakeClock();
    const down = async () => `http://127.0.0.1:${await closedPort()}`;
    const { delegate, health } = testEngine({
      fleet: { A: await down(), B: await down(), C: await down() },
      clock,
    });
    await health();
    await clock.advance(6_000);
    const { details } = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(details?.attempts).toMatchObject([{ instance: "A" }, { instance: "B" }]);
    expect(details?.attempts).toHaveLength(2);
  });

  it("orders the sick last", async () => {
    const clock = fakeClock();
    const b = await startServer();
    b.play(byMethod({ post: done("from B"), health: respond({ body: { status: "healthy" } }) }));
    const { delegate, health } = testEngine({
      fleet: { A: `http://127.0.0.1:${await closedPort()}`, B: b.url },
      clock,
    });
    await health();
    await clock.advance(6_000);
    expect(await delegate({ instances: ["A", "B"] })).toMatchObject({
      instance: "B",
      explanation: { order: ["B", "A"], excluded: [] },
      attempts: [{ instance: "B" }],
    });
  });

  it("never sends again after an unknown delivery, however many retries there are", async () => {
    const a = await startServer();
    a.play(byMethod({ post: reset, get: reset, delete: reset }));
    const { delegate } = testEngine({ fleet: { A: a.url } });
    const error = await refusalOf(delegate({ instances: ["A"], retries: 10 }));
    expect(error).toMatchObject({ delivery: "unknown", retryable: false });
    expect(a.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});

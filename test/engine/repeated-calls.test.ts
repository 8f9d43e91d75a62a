import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { startServer } from "../instances/harness.ts";
import { processes, refusalOf, testEngine } from "./harness.ts";

async function setUp() {
  const worker = handWorker();
  const host = await startHost({ worker });
  const store = createMemoryStore({ clock: systemClock });
  const fleet = { A: host.origin };
  return { worker, fleet, ...testEngine({ fleet, store }) };
}

describe("the same idempotency key again", () => {
  it("is the same run, while it goes on, after it, and in the next process", async () => {
    const { worker, store, fleet, delegate } = await setUp();
    const call = { instances: ["A"], payload: { job: 1 }, idempotencyKey: "k" };
    const [one, two] = [delegate(call), delegate({ ...call, retries: 1, wait: "15s" })];
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("once");
    const [first, second] = [await one, await two];
    expect(second).toMatchObject({ runId: first.runId, result: "once" });
    const next = testEngine({ fleet, store, processes: processes("next", ["this process"]) });
    expect(await next.delegate(call)).toMatchObject({ runId: first.runId, result: "once" });
    expect(worker.tasks).toHaveLength(1);
  });

  it("is one execution from two processes at the same moment", async () => {
    const host = await startHost({ worker: echoWorker() });
    const store = createMemoryStore({ clock: systemClock });
    const engines = ["one", "two"].map((self) =>
      testEngine({ fleet: { A: host.origin }, store, processes: processes(self) }),
    );
    const call = { instances: ["A"], payload: 7, idempotencyKey: "both" };
    const answers = await Promise.all([...engines, ...engines].map(({ delegate }) => delegate(call)));
    expect(new Set(answers.map(({ runId }) => runId)).size).toBe(1);
  });

  it("has the results that a process left which died, while the rest goes on here", async () => {
    const quick = await startHost({ worker: echoWorker() });
    const worker = handWorker();
    const slow = await startHost({ worker });
    const store = createMemoryStore({ clock: systemClock });
    const fleet = { A: quick.origin, B: slow.origin };
    const call = { targets: ["A", "B"], payload: "mine", idempotencyKey: "k", wait: "300ms" };
    const first = testEngine({ fleet, store, processes: processes("first") });
    expect((await first.fanout(call)).counts).toMatchObject({ done: 1, pending: 1 });
    const next = testEngine({ fleet, store, processes: processes("next", ["first"]) });
    const { outcomes, runId } = await next.fanout(call);
    expect(outcomes).toMatchObject([{ reply: "done", result: "mine" }, { reply: "pending" }]);
    expect(await next.aggregate({ runId, strategy: "first" })).toMatchObject({ value: "mine" });
    worker.tasks[0]?.finish("late");
  });

  it("is a conflict for other work, of another caller another key", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { delegate, fanout } = testEngine({ fleet: { A: host.origin } });
    const { runId } = await delegate({ instances: ["A"], payload: 1, idempotencyKey: "k" });
    const refusal = await refusalOf(delegate({ instances: ["A"], payload: 2, idempotencyKey: "k" }));
    expect(refusal).toMatchObject({ code: "conflict", runId });
    expect(refusal.message).toContain("idempotencyKey");
    const others = await delegate(
      { instances: ["A"], payload: 2, idempotencyKey: "k" },
      { createdBy: "other" },
    );
    const fan = await fanout({ targets: ["A"], payload: 2, idempotencyKey: "k" });
    expect(new Set([runId, others.runId, fan.runId]).size).toBe(3);
  });

  it("repeats a failure rather than the work", async () => {
    const { worker, delegate } = await setUp();
    const call = { instances: ["A"], payload: 1, idempotencyKey: "k" };
    const failing = refusalOf(delegate(call));
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.fail(new Error("no luck"));
    const error = await failing;
    expect(await refusalOf(delegate(call))).toMatchObject({ runId: error.runId, message: error.message });
    expect(worker.tasks).toHaveLength(1);
  });

  it("is that run also when nobody could be asked, or is known, any more", async () => {
    const { worker, store, fleet, delegate, fanout, spawn, send, closeSession } = await setUp();
    const calls = {
      delegate: { instances: ["A"], payload: 1, idempotencyKey: "k" },
      fanout: { targets: ["A"], payload: 2, idempotencyKey: "k" },
      send: { sessionId: "s", data: 3, idempotencyKey: "k" },
    };
    await spawn({ sessionId: "s" });
    const first = [delegate(calls.delegate), fanout(calls.fanout), send(calls.send)];
    await expect.poll(() => worker.tasks.length).toBe(3);
    for (const task of worker.tasks) task.finish("done");
    const runIds = (await Promise.all(first)).map(({ runId }) => runId);
    await closeSession({ sessionId: "s" });
    const unreachable = await startServer();
    await unreachable.down();
    for (const others of [{ A: unreachable.url }, { B: fleet.A }] as Record<string, string>[]) {
      const next = testEngine({ fleet: others, store, processes: processes("next", ["this process"]) });
      await next.health();
      const again = [next.delegate(calls.delegate), next.fanout(calls.fanout), next.send(calls.send)];
      expect((await Promise.all(again)).map(({ runId }) => runId)).toEqual(runIds);
    }
    expect(worker.tasks).toHaveLength(3);
  });

  it("is taken over where the process that claimed it died before it began", async () => {
    const { store, fleet, worker } = await setUp();
    const broken = {
      ...store,
      put: async (...args: Parameters<typeof store.put>) => {
        if (args[0].startsWith("run/") || args[0].startsWith("process/")) throw new Error("died here");
        return store.put(...args);
      },
    };
    const dying = testEngine({ fleet, store: broken, processes: processes("dying") });
    const call = { instances: ["A"], payload: 1, idempotencyKey: "k" };
    await refusalOf(dying.delegate(call));
    const next = testEngine({ fleet, store, processes: processes("next", ["dying"]) });
    const answer = next.delegate(call);
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("begun by the next");
    expect(await answer).toMatchObject({ result: "begun by the next" });
  });
});

describe("the identical call after one whose caller was gone", () => {
  it("is answered with that run, once, and says so", async () => {
    const { worker, delegate } = await setUp();
    const gone = new Cancellation();
    const call = { instances: ["A"], payload: { job: 1 } };
    const lost = delegate(call, { gone });
    await expect.poll(() => worker.tasks.length).toBe(1);
    gone.cancel();
    worker.tasks[0]?.finish("not heard");
    const { runId } = await lost;
    const again = await delegate(call, { gone: new Cancellation() });
    expect(again).toMatchObject({ runId, result: "not heard" });
    expect(again.warnings?.[0]).toContain("fresh: true");
    const third = delegate(call, { gone: new Cancellation() });
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[1]?.finish("anew");
    expect((await third).runId).not.toBe(runId);
  });

  it("is work anew where it asks for that, is not identical, or the first answer was delivered", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { delegate } = testEngine({ fleet: { A: host.origin } });
    const call = { instances: ["A"], payload: 1 };
    const listening = () => ({ gone: new Cancellation() });
    const delivered = await delegate(call, listening());
    expect((await delegate(call, listening())).runId).not.toBe(delivered.runId);
    const gone = new Cancellation();
    const lost = delegate(call, { gone });
    gone.cancel();
    const { runId } = await lost;
    expect((await delegate({ ...call, payload: 2 }, listening())).runId).not.toBe(runId);
    expect((await delegate({ ...call, fresh: true }, listening())).runId).not.toBe(runId);
    expect((await delegate(call, listening())).runId).toBe(runId);
  });
});

describe("a fan-out that does not wait for all", () => {
  it("stops when nobody new has answered for as long as stall says, and the rest goes on", async () => {
    const worker = handWorker();
    const [quick, slow] = [await startHost({ worker: echoWorker() }), await startHost({ worker })];
    const { fanout, run } = testEngine({ fleet: { A: quick.origin, B: slow.origin } });
    const answer = await fanout({ targets: ["A", "B"], payload: 1, stall: "300ms" });
    expect(answer).toMatchObject({ complete: false, timedOut: false, counts: { done: 1, pending: 1 } });
    expect(answer.survivesExit).toBe(true);
    worker.tasks[0]?.finish("late");
    expect(await run(answer.runId, 10)).toMatchObject({ outcomes: [{ result: 1 }, { result: "late" }] });
  });

  it("cancels the rest at its instances where it is told to", async () => {
    const worker = handWorker();
    const [quick, slow] = [await startHost({ worker: echoWorker() }), await startHost({ worker })];
    const { fanout } = testEngine({ fleet: { A: quick.origin, B: slow.origin } });
    const answer = await fanout({ targets: ["A", "B"], payload: 1, minReplies: 1, cancelRest: true });
    expect(answer).toMatchObject({ complete: true, counts: { done: 1, cancelled: 1, pending: 0 } });
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
  });
});

import { describe, expect, it } from "vitest";
import type { Run } from "../../src/core/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { startServer } from "../instances/harness.ts";
import { hang, refuse, respond } from "../support/faults.ts";
import { byMethod, processes, testEngine } from "./harness.ts";

/** Two processes on one store; the second one sees that the first has ended. */
function twoProcesses(fleet: Record<string, string>) {
  const store = createMemoryStore({ clock: systemClock });
  const first = testEngine({ fleet, store, processes: processes("first") });
  const second = testEngine({ fleet, store, processes: processes("second", ["first"]) });
  const stored = async () => {
    const entries = await store.list("run/");
    return entries.map(({ value }) => JSON.parse(value) as Run);
  };
  return { store, first, second, stored };
}

describe("a run whose process has died", () => {
  it("is taken over by the next process, which asks and never sends", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { first, second, stored } = twoProcesses({ A: host.origin });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    second.engine.start();
    await expect.poll(async () => (await stored())[0]?.owner).toBe("second");
    worker.tasks[0]?.finish("done at last");
    expect(await second.run(runId, 10)).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", delivery: "accepted", reply: "done", result: "done at last" }],
    });
    expect(worker.tasks).toHaveLength(1);
  });

  it("is taken over by a process that has shown itself first, so that its own death is seen", async () => {
    const host = await startHost({ worker: handWorker() });
    const { store, first, second } = twoProcesses({ A: host.origin });
    await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    const { put } = store;
    const writers: string[] = [];
    store.put = (key, value, options) => {
      if (key.startsWith("process/") && value.includes("second")) writers.push("presence");
      if (key.startsWith("run/") && (JSON.parse(value) as Run).owner === "second") writers.push("run");
      return put.call(store, key, value, options);
    };
    second.engine.start();
    await expect.poll(() => writers).toContain("run");
    expect(writers[0]).toBe("presence");
  });

  it("is taken up at once by whoever asks for it", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { first, second } = twoProcesses({ A: host.origin });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    const waiting = second.run(runId, 10);
    worker.tasks[0]?.finish("done");
    expect(await waiting).toMatchObject({ state: "ended", outcomes: [{ result: "done" }] });
  });

  it("is left to its new owner by the old one, if that wakes: it writes and cancels nothing", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { first, second, stored } = twoProcesses({ A: host.origin });
    const call = first.delegate({ instances: ["A"], payload: 1, wait: "20s" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    await expect.poll(async () => (await stored()).length).toBe(1);
    const [run] = await stored();
    const waiting = second.run(run?.runId ?? "", 10);
    await expect.poll(async () => (await stored())[0]?.owner).toBe("second");
    worker.tasks[0]?.finish("once");
    expect(await waiting).toMatchObject({ state: "ended", outcomes: [{ reply: "done", result: "once" }] });
    // What it heard itself is true; that it may not write it, it says.
    const { result, warnings } = await call;
    expect([result, warnings?.[0]]).toEqual(["once", expect.stringContaining("taken over")]);
    expect((await stored())[0]).toMatchObject({ owner: "second", outcomes: [{ reply: "done" }] });
    expect(worker.tasks[0]?.cancellation.error).toBeUndefined();
  });

  it("closes as not sent where nothing had been sent", async () => {
    const a = await startServer();
    a.play(refuse(503, { code: "overloaded", delivery: "not_sent" }, { "retry-after": "30" }));
    const { first, second } = twoProcesses({ A: a.url });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "300ms", timeout: "5m" });
    expect(await second.run(runId, 10)).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", delivery: "not_sent", reply: "none", error: { code: "interrupted" } }],
    });
    expect(a.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("stays unknown where the instance cannot say, and nobody else is asked", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(
      byMethod({ post: hang, get: refuse(404, { code: "run_not_found" }), delete: respond({ status: 500 }) }),
    );
    const { first, second } = twoProcesses({ A: a.url, B: b.url });
    const { runId } = await first.delegate({ instances: ["A", "B"], payload: 1, wait: "200ms" });
    expect(await second.run(runId, 15)).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", delivery: "unknown", reply: "none", error: { code: "interrupted" } }],
    });
    expect(b.requests).toHaveLength(0);
  });

  it("is left alone by a process whose fleet has another instance of that name", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const other = await startHost({ worker: echoWorker() });
    const { store, first } = twoProcesses({ A: host.origin });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    const stranger = testEngine({
      fleet: { A: other.origin },
      store,
      processes: processes("third", ["first"]),
    });
    const seen = await stranger.run(runId);
    expect(seen).toMatchObject({ state: "open", outcomes: [{ reply: "pending" }] });
    expect(seen.warnings?.[0]).toContain("not in this fleet");
  });

  it("is released at once by a process that ends cleanly, and finished by the next", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { store, first } = twoProcesses({ A: host.origin });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    const kept = { ...store, close: async () => {} };
    const leaving = testEngine({ fleet: { A: host.origin }, store: kept, processes: processes("leaving") });
    const left = await leaving.delegate({ instances: ["A"], payload: 2, wait: "100ms" });
    await leaving.engine.close();
    // This one cannot see whether the other has ended: the release alone tells it.
    const next = testEngine({ fleet: { A: host.origin }, store: kept, processes: processes("next") });
    next.engine.start();
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[1]?.finish("after the exit");
    await expect
      .poll(() => next.run(left.runId), { timeout: 10_000 })
      .toMatchObject({ state: "ended", outcomes: [{ result: "after the exit" }] });
    expect(await next.run(runId)).toMatchObject({ state: "open" });
    worker.tasks[0]?.finish(1);
  });
});

describe("a cancel from another process", () => {
  it("reaches the instance through the process that works on the run", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const store = createMemoryStore({ clock: systemClock });
    const owner = testEngine({ fleet: { A: host.origin }, store, processes: processes("owner") });
    const other = testEngine({ fleet: { A: host.origin }, store, processes: processes("other") });
    const { runId } = await owner.delegate({ instances: ["A"], payload: 1, wait: "400ms" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    expect(await other.cancel(runId)).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", reply: "cancelled", delivery: "accepted" }],
    });
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
  });
});

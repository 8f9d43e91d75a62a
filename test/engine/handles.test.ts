import { describe, expect, it } from "vitest";
import type { Run } from "../../src/core/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { testEngine } from "./harness.ts";

// A process that dies after it gave out a handle must leave a run behind that has this id.

async function workingFleet() {
  const worker = handWorker();
  const host = await startHost({ worker });
  const store = createMemoryStore({ clock: systemClock });
  const { put } = store;
  // Slower than a wait of 0.
  store.put = async (...write) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return put.apply(store, write);
  };
  return { ...testEngine({ fleet: { A: host.origin }, store }), worker, store };
}

describe("a handle", () => {
  it("of a delegate is given out when its run is stored", async () => {
    const { delegate, store } = await workingFleet();
    const { runId } = (await delegate({ instances: ["A"], payload: 1, wait: 0 })) as { runId: string };
    expect(await store.get(`run/${runId}`)).toBeDefined();
  });

  it("of a fan-out is given out when its run is stored", async () => {
    const { fanout, store } = await workingFleet();
    const { runId } = (await fanout({ targets: ["A"], payload: 1, wait: 0 })) as { runId: string };
    expect(await store.get(`run/${runId}`)).toBeDefined();
  });

  it("says no more of the run than is stored", async () => {
    const quick = await startHost({ worker: echoWorker() });
    const slow = await startHost({ worker: handWorker() });
    const store = createMemoryStore({ clock: systemClock });
    const { fanout, run, engine } = testEngine({ fleet: { A: quick.origin, B: slow.origin }, store });
    const stored = async (runId: string) =>
      (JSON.parse((await store.get(`run/${runId}`))?.value ?? "") as Run).outcomes.map(({ reply }) => reply);
    // Replies are gathered for 100 ms before they are written: this one is told before that.
    const { runId, outcomes } = await fanout({ targets: ["A", "B"], payload: 1, minReplies: 1 });
    expect(outcomes).toMatchObject([{ reply: "done" }, { reply: "pending" }]);
    expect(await stored(runId)).toEqual(["done", "pending"]);
    const again = await fanout({ targets: ["A", "B"], payload: 2, wait: 0 });
    await expect.poll(async () => (await run(again.runId)).outcomes[0]?.reply).toBe("done");
    expect(await stored(again.runId)).toEqual(["done", "pending"]);
    const events = engine.runsEvents({ runId: again.runId })[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ event: "outcome", data: { instance: "A" } });
    expect(await stored(again.runId)).toEqual(["done", "pending"]);
  });

  it("of a message is given out when its run is stored, though its turn has not come", async () => {
    const { spawn, send, store, worker } = await workingFleet();
    await spawn({ sessionId: "s" });
    const first = send({ sessionId: "s", data: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    const { runId } = (await send({ sessionId: "s", data: 2, wait: 0 })) as { runId: string };
    expect(await store.get(`run/${runId}`)).toBeDefined();
    worker.tasks[0]?.finish("one");
    await first;
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[1]?.finish("two");
  });
});

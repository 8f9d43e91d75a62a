import { describe, expect, it } from "vitest";
import type { ProgressEvent } from "../../src/core/run-answers.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { processes, testEngine } from "../engine/harness.ts";
import { handWorker, onEnd, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { startServer } from "../http/harness.ts";
import { clientOf, done } from "./harness.ts";

/** A server that can be ended in good order, and started again at its place with what it stored. */
async function startRestarting() {
  const worker = handWorker();
  const host = await startHost({ worker });
  const shared = createMemoryStore({ clock: systemClock });
  const store = { ...shared, close: async () => {} };
  const start = async (self: string, gone: string[], port = 0) => {
    const { engine } = testEngine({ fleet: { A: host.origin }, store, processes: processes(self, gone) });
    const served = await startServer({ engine, port });
    onEnd(() => served.close());
    return { ...served, engine };
  };
  const first = await start("first", []);
  return {
    url: first.origin,
    worker,
    async restart() {
      first.drain();
      await first.engine.close();
      await first.close();
      await start("second", ["first"], Number(new URL(first.origin).port));
    },
  };
}

describe("a server that ends and starts again during a call", () => {
  // The pauses between tries are as long as they are in life.
  const random = () => 0.5;

  it("answers the call with the work that was begun", async () => {
    const { url, worker, restart } = await startRestarting();
    const answer = clientOf(url, { random }).delegate({ instances: "A", payload: 1, wait: "20s" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    await restart();
    worker.tasks[0]?.finish("after all");
    expect(await answer).toMatchObject({ reply: "done", result: "after all" });
    expect(worker.tasks.length).toBe(1);
  });

  it("tells who watches of it too, and cancels when told", async () => {
    const { url, worker, restart } = await startRestarting();
    const seen: string[] = [];
    const onProgress = ({ instance, reply }: ProgressEvent) => void seen.push(`${instance} ${reply}`);
    const controller = new AbortController();
    const client = clientOf(url, { random });
    const call = { targets: "A", payload: 1, wait: "20s" };
    const answer = client.fanout(call, { onProgress, signal: controller.signal });
    await expect.poll(() => worker.tasks.length).toBe(1);
    await restart();
    controller.abort();
    expect(done(await answer).counts).toMatchObject({ total: 1, cancelled: 1 });
    expect(worker.tasks.length).toBe(1);
    expect(seen.filter((each) => each !== "A cancelled")).toEqual([]);
  });
});

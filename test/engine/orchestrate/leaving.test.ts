import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/core/ports.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { handWorker, startHost } from "../../host/harness.ts";
import { systemClock } from "../../host/harness-clock.ts";
import { processes } from "../harness.ts";
import { planEngine, startWorker } from "./harness.ts";

const PATIENT = { timeout: 10_000 };

describe("a plan whose process ends in good order", () => {
  it("concludes nothing from the calls that this cuts short: the next process does, and begins the rest", async () => {
    const worker = handWorker();
    const [slow, a] = [await startHost({ worker, concurrency: 8 }), await startWorker((payload) => payload)];
    const memory = createMemoryStore({ clock: systemClock });
    const store: Store = { ...memory, close: async () => {} };
    const fleet = { A: a.url, S: slow.origin };
    const first = planEngine({ fleet, store, processes: processes("first") });
    const second = planEngine({ fleet, store, processes: processes("second", ["first"]) });
    await first.spawn({ sessionId: "talk", instance: "S" });
    const running = first.orchestrate({
      steps: [
        { id: "one", delegate: { instances: ["S"], payload: 1 } },
        { id: "all", fanout: { targets: ["A", "S"], payload: 2 } },
        {
          id: "each",
          forEach: [3, 4, 5],
          concurrency: 2,
          delegate: { instances: ["S"], payload: "${item}" },
        },
        { id: "talk", session: { send: { sessionId: "talk", data: 6 } } },
        {
          id: "judge",
          aggregate: {
            responses: [
              { instance: "A", result: "x" },
              { instance: "B", result: "y" },
            ],
            ...{ strategy: "judge", instance: "S" },
          },
          onError: { fallback: "spare" },
        },
        { id: "spare", delegate: { instances: ["A"], payload: "spare" } },
        { id: "end", needs: ["one", "all", "each", "talk"], delegate: { instances: ["A"], payload: "end" } },
      ] as never,
      output: { one: "${steps.one.value}", each: "${steps.each.value}", judge: "${steps.judge.value}" },
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(6);
    await first.engine.close();
    const { runId, reply } = await running;
    expect(reply).toBe("pending");
    expect(worker.tasks.filter((task) => task.cancellation.error)).toEqual([]);
    expect(a.seen).toEqual([2]);

    second.engine.start();
    const finish = setInterval(() => {
      for (const task of worker.tasks) task.finish({ choice: 2, of: task.payload });
    }, 5);
    const ended = await second.run(runId, 10);
    clearInterval(finish);
    expect(ended).toMatchObject({
      reply: "done",
      counts: { total: 7, done: 6, skipped: 1 },
      value: { one: { of: 1 }, each: [{ of: 3 }, { of: 4 }, { of: 5 }], judge: "y" },
    });
    // Each was sent once, by whichever of the two.
    expect(worker.tasks).toHaveLength(7);
    expect(a.seen).toEqual([2, "end"]);
  });
});

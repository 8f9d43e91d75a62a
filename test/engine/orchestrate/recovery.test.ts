import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../../src/core/errors.ts";
import { isObject, type Json } from "../../../src/core/json.ts";
import type { Store } from "../../../src/core/ports.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { handWorker, startHost } from "../../host/harness.ts";
import { systemClock } from "../../host/harness-clock.ts";
import { startServer } from "../../instances/harness.ts";
import { refuse, respond } from "../../support/faults.ts";
import { processes } from "../harness.ts";
import { planEngine, startWorker, states } from "./harness.ts";

const PATIENT = { timeout: 10_000 };

/** Two processes on one store; the second one sees that the first has ended, which then can write no more. */
function twoProcesses(fleet: Record<string, string>) {
  const memory = createMemoryStore({ clock: systemClock });
  const store: Store = { ...memory, close: async () => {} };
  let dead = false;
  const dying: Store = {
    ...store,
    put: async (...write) => {
      if (dead) throw new OrchestratorError("store_unavailable", "This process is dead.");
      return store.put(...write);
    },
  };
  const first = planEngine({ fleet, store: dying, processes: processes("first") });
  const second = planEngine({ fleet, store, processes: processes("second", ["first"]) });
  return {
    first,
    second,
    store,
    /** The first one writes nothing from here on. */
    die: () => {
      dead = true;
    },
  };
}

describe("a plan whose process has died", () => {
  it("goes on in the next: what was sent is asked for, and the rest is begun there", async () => {
    const worker = handWorker();
    const [a, slow] = [await startWorker((payload) => payload), await startHost({ worker })];
    const { first, second, die } = twoProcesses({ A: a.url, B: slow.origin });
    const { runId } = await first.orchestrate({
      wait: "300ms",
      steps: [
        { id: "one", delegate: { instances: ["A"], payload: { n: 1 } } },
        { id: "two", needs: ["one"], delegate: { instances: ["B"], payload: { n: 2 } } },
        {
          id: "three",
          needs: ["two"],
          delegate: { instances: ["A"], payload: { after: "${steps.two.value}" } },
        },
      ],
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    die();
    second.engine.start();
    worker.tasks[0]?.finish("two");
    const ended = await second.run(runId, 10);
    expect(ended).toMatchObject({ state: "ended", reply: "done", value: { after: "two" } });
    expect(ended.steps?.map(({ state }) => state)).toEqual(["done", "done", "done"]);
    expect(worker.tasks).toHaveLength(1);
    expect(a.seen).toEqual([{ n: 1 }, { after: "two" }]);
  });

  it("begins anew, under other keys, only what was certainly not sent", async () => {
    const refusing = await startServer();
    refusing.play(refuse(503, { code: "overloaded", delivery: "not_sent" }, { "retry-after": "30" }));
    const a = await startWorker((payload) => ({ from: "A", payload }));
    const { first, second, die } = twoProcesses({ A: a.url, B: refusing.url });
    const { runId } = await first.orchestrate({
      wait: "400ms",
      timeout: "5m",
      steps: [
        { id: "single", delegate: { instances: ["B"], payload: "single" } },
        { id: "all", fanout: { targets: ["A", "B"], payload: "all", aggregate: { strategy: "collect" } } },
        { id: "each", forEach: [1, 2], delegate: { instances: ["B"], payload: "${item}" } },
      ],
    });
    await expect.poll(() => a.seen, PATIENT).toEqual(["all"]);
    die();
    const posts = () => refusing.requests.filter(({ method }) => method === "POST");
    const before = posts().length;
    expect(before).toBeGreaterThan(0);
    refusing.play(respond({ body: { taskId: "t", reply: "done", result: "of B" } }));
    const ended = await second.run(runId, 10);
    expect(ended.steps?.map(({ state }) => state)).toEqual(["done", "done", "done"]);
    const sent = posts().slice(before);
    expect(sent.map(({ body }) => JSON.stringify(JSON.parse(body).payload)).sort()).toEqual(
      ['"all"', '"single"', "1", "2"].sort(),
    );
    const keys = posts().map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys.slice(before)).size).toBe(4);
    expect(keys.slice(0, before).filter((key) => keys.slice(before).includes(key))).toEqual([]);
    expect(a.seen).toEqual(["all"]);
    expect(ended.steps?.[1]?.value).toEqual([
      { instance: "A", result: { from: "A", payload: "all" } },
      { instance: "B", result: "of B" },
    ]);
  });

  it("does no item twice, however far each was", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 8 });
    const { first, second, die } = twoProcesses({ A: host.origin });
    const { runId } = await first.orchestrate({
      wait: "200ms",
      steps: [
        {
          id: "each",
          forEach: [0, 1, 2, 3, 4, 5],
          concurrency: 3,
          delegate: { instances: ["A"], payload: "${item}" },
        },
      ],
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(3);
    worker.tasks[0]?.finish("zero");
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(4);
    die();
    second.engine.start();
    for (const task of worker.tasks.slice(1)) task.finish(`of ${JSON.stringify(task.payload)}`);
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(6);
    for (const task of worker.tasks.slice(4)) task.finish(`of ${JSON.stringify(task.payload)}`);
    const ended = await second.run(runId, 10);
    expect(ended.value).toEqual(["zero", "of 1", "of 2", "of 3", "of 4", "of 5"]);
    expect(worker.payloads().sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("is left alone by a process whose fleet has others of those names", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const other = await startWorker((payload) => payload);
    const { first, store } = twoProcesses({ A: host.origin });
    const { runId } = await first.orchestrate({
      wait: "200ms",
      steps: [
        { id: "one", delegate: { instances: ["A"], payload: 1 } },
        { id: "two", needs: ["one"], delegate: { instances: ["A"], payload: 2 } },
      ],
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const stranger = planEngine({ fleet: { A: other.url }, store, processes: processes("third", ["first"]) });
    expect(await stranger.run(runId)).toMatchObject({ state: "open" });
    expect(other.seen).toEqual([]);
    worker.tasks[0]?.finish(1);
  });

  it("is its new owner's: the old one, when it wakes, begins nothing more", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 8 });
    const { first, second } = twoProcesses({ A: host.origin });
    const running = first.orchestrate({
      steps: [
        { id: "one", delegate: { instances: ["A"], payload: 1 } },
        { id: "two", needs: ["one"], delegate: { instances: ["A"], payload: 2 } },
      ],
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    await expect.poll(async () => (await second.runs()).items.length, PATIENT).toBe(2);
    const [plan] = (await second.runs()).items.filter(({ operation }) => operation === "orchestrate");
    const taken = second.run(plan?.runId ?? "", 10);
    await expect
      .poll(
        async () => JSON.parse((await second.store.get(`run/${plan?.runId}`))?.value ?? "{}").owner,
        PATIENT,
      )
      .toBe("second");
    worker.tasks[0]?.finish("one");
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(2);
    worker.tasks[1]?.finish("two");
    expect(await taken).toMatchObject({ reply: "done", value: "two" });
    await running.catch(() => {});
    expect(worker.payloads()).toEqual([1, 2]);
  });
});

describe("a plan that failed is resumed", () => {
  async function failing() {
    let broken = true;
    const a = await startWorker((payload) => {
      if (broken && isObject(payload) && payload.needs === "mending") throw new Error("not yet");
      return payload;
    });
    const mend = () => {
      broken = false;
    };
    return { a, mend, ...planEngine({ fleet: { A: a.url } }) };
  }
  const plan = {
    steps: [
      { id: "first", delegate: { instances: ["A"], payload: { n: 1 } } },
      {
        id: "each",
        needs: ["first"],
        forEach: [{ item: 0 }, { item: 1, needs: "mending" }, { item: 2 }],
        concurrency: 1,
        onError: "fail" as const,
        delegate: { instances: ["A"], payload: "${item}" },
      },
      {
        id: "last",
        needs: ["each"],
        delegate: { instances: ["A"], payload: { all: "${steps.each.value}" } },
      },
    ],
  };

  it("from the step that failed, once what was wrong is mended: what was done is not done again", async () => {
    const { a, mend, orchestrate } = await failing();
    const failed = await orchestrate(plan);
    expect(states(failed)).toEqual({ first: "done", each: "failed", last: "skipped" });
    mend();
    const done = await orchestrate({ resume: failed.runId });
    expect(done).toMatchObject({ runId: failed.runId, reply: "done", counts: { done: 3 } });
    expect(done.value).toEqual({ all: [{ item: 0 }, { item: 1, needs: "mending" }, { item: 2 }] });
    const times = (wanted: Json) =>
      a.seen.filter((payload) => JSON.stringify(payload) === JSON.stringify(wanted)).length;
    expect([
      times({ n: 1 }),
      times({ item: 0 }),
      times({ item: 1, needs: "mending" }),
      times({ item: 2 }),
    ]).toEqual([1, 1, 2, 1]);
  });

  it("with other steps in place of those that were not done, and with those that were as they are", async () => {
    const { a, orchestrate } = await failing();
    const failed = await orchestrate(plan);
    const [first, each, last] = plan.steps;
    const mended = { ...each, forEach: [{ item: 5 }] };
    const changed = { ...first, delegate: { instances: ["A"], payload: { n: 2 } } };
    const refusal = orchestrate({ resume: failed.runId, steps: [changed, mended, last] as never });
    await expect(refusal).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("step first is done"),
    });
    const done = await orchestrate({ resume: failed.runId, steps: [first, mended, last] as never });
    expect(done).toMatchObject({ reply: "done", value: { all: [{ item: 5 }] } });
    expect(a.seen.filter((payload) => isObject(payload) && payload.n === 1)).toHaveLength(1);
  });

  it("but not while it goes on, when all is done, or where it is no plan", async () => {
    const { mend, orchestrate, delegate } = await failing();
    mend();
    const done = await orchestrate(plan);
    const other = await delegate({ instances: ["A"], payload: 1 });
    const why = async (runId: string) =>
      orchestrate({ resume: runId }).then(
        () => "resumed",
        ({ code, message }) => `${code}: ${message}`,
      );
    expect(await why(done.runId)).toContain("conflict: resume: run");
    expect(await why(done.runId)).toContain("all of it is done");
    expect(await why(other.runId)).toContain("it is no plan");
    expect(await why("run-none")).toContain("run_not_found");
  });

  it("after a cancel too", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { orchestrate, cancel } = planEngine({ fleet: { A: host.origin } });
    const handle = await orchestrate({
      wait: "100ms",
      steps: [
        { id: "one", delegate: { instances: ["A"], payload: 1 } },
        { id: "two", needs: ["one"], delegate: { instances: ["A"], payload: 2 } },
      ],
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    expect(await cancel(handle.runId)).toMatchObject({ state: "ended", reply: "cancelled" });
    const again = orchestrate({ resume: handle.runId });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(2);
    worker.tasks[1]?.finish("one");
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(3);
    worker.tasks[2]?.finish("two");
    expect(await again).toMatchObject({ reply: "done", value: "two" });
  });
});

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, handWorker, startHost, unevenStore } from "./harness.ts";
import { systemClock } from "./harness-clock.ts";

async function storeIdOf(host: { call(method: "GET", path: string): Promise<{ body: object }> }) {
  return ((await host.call("GET", "/api/health/check")).body as { storeId: string }).storeId;
}

describe("cancelling", () => {
  it("a running task stops its worker and makes the reply cancelled", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const posted = host.post(1, { key: "k", wait: 10 });
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    const { status, body } = await host.call("DELETE", "/api/tasks?key=k");
    expect(status).toBe(200);
    expect(body).toMatchObject({ reply: "cancelled", existed: true, storeId: await storeIdOf(host) });
    expect((await posted).body).toMatchObject({ reply: "cancelled", error: { code: "cancelled" } });
  });

  it("a task whose worker finishes anyway tells the truth: done", async () => {
    const worker = handWorker({ stops: false });
    const host = await startHost({ worker });
    const { body } = await host.post(1, { wait: 0 });
    const cancelled = host.call("DELETE", `/api/tasks/${body.taskId}`);
    await vi.waitFor(() => expect(worker.tasks[0]!.cancellation.error?.code).toBe("cancelled"));
    worker.tasks[0]!.finish("too late to stop");
    expect((await cancelled).body).toMatchObject({
      reply: "done",
      result: "too late to stop",
      existed: true,
    });
  });

  it("a queued task ends it at once, and the worker never sees it", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 1 });
    await host.post("first", { key: "first", wait: 0 });
    await host.post("queued", { key: "queued", wait: 0 });
    expect((await host.call("DELETE", "/api/tasks?key=queued")).body.reply).toBe("cancelled");
    worker.tasks[0]!.finish(1);
    expect((await host.call("GET", "/api/tasks?key=first&wait=10")).body.reply).toBe("done");
    expect(worker.payloads()).toEqual(["first"]);
  });

  it("a task that has ended says how it ended", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { body } = await host.post("x", { key: "k" });
    const cancelled = await host.call("DELETE", `/api/tasks/${body.taskId}`);
    expect(cancelled.body).toMatchObject({ ...body, existed: true });
  });

  it("an unseen key leaves a tombstone: a later post with it executes nothing", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    const { status, body } = await host.call("DELETE", "/api/tasks?key=k");
    expect(status).toBe(200);
    expect(body).toMatchObject({ reply: "cancelled", existed: false, storeId: await storeIdOf(host) });
    expect(await host.post("late", { key: "k" })).toMatchObject({
      status: 200,
      body: { reply: "cancelled" },
    });
    expect((await host.call("GET", "/api/tasks?key=k")).body.existed).toBe(false);
    expect((await host.call("DELETE", "/api/tasks?key=k")).body.existed).toBe(false);
    expect(worker.runs).toEqual([]);
  });

  it("an unseen id is 404 and leaves nothing", async () => {
    const host = await startHost({ worker: echoWorker() });
    expect((await host.call("DELETE", "/api/tasks/nobody")).status).toBe(404);
    expect((await host.call("GET", "/api/tasks/nobody")).status).toBe(404);
  });
});

describe("posts and deletes of one key, however they race", () => {
  it("execute at most once, and agree with each other and with what is asked later", async () => {
    const worker = echoWorker();
    const slow = {
      ...worker,
      run: async (task: Parameters<typeof worker.run>[0]) => {
        await new Promise((resolve) => setImmediate(resolve));
        return worker.run(task);
      },
    };
    const host = await startHost({
      worker: slow,
      store: unevenStore(createMemoryStore({ clock: systemClock })),
    });
    let lastKey = 0;
    const seen = new Set<string>();
    const racing = fc.array(fc.record({ post: fc.boolean(), ticks: fc.nat(4) }), {
      minLength: 2,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(racing, async (calls) => {
        const key = `race-${++lastKey}`;
        const answers = await Promise.all(
          calls.map(async ({ post, ticks }) => {
            for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => setImmediate(resolve));
            return post ? host.post(key, { key }) : host.call("DELETE", `/api/tasks?key=${key}`);
          }),
        );
        const executions = worker.runs.filter((payload) => payload === key).length;
        const { reply } = (await host.call("GET", `/api/tasks?key=${key}`)).body;
        expect(executions).toBeLessThanOrEqual(1);
        if (reply === "done") expect(executions).toBe(1);
        seen.add(`${reply} after ${executions}`);
        for (const { status, body } of answers) {
          expect([status, body.reply]).toEqual([200, reply]);
          if (body.existed === false) expect([executions, reply]).toEqual([0, "cancelled"]);
        }
      }),
      { numRuns: 40 },
    );
    expect([...seen]).toEqual(expect.arrayContaining(["done after 1", "cancelled after 0"]));
  });
});

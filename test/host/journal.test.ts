import { describe, expect, it, vi } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Store } from "../../src/core/ports.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { fakeClock } from "../support/clock.ts";
import { echoWorker, handWorker, startHost } from "./harness.ts";
import { systemClock } from "./harness-clock.ts";

/** A view of a store whose writes and reads can be made to fail, as for a process that has died. */
function failing(
  store: Store,
): Store & { fails: { get?: boolean; put?: boolean | ((key: string) => boolean) } } {
  const fails: { get?: boolean; put?: boolean | ((key: string) => boolean) } = {};
  const broken = () => Promise.reject(new OrchestratorError("store_unavailable", "The disk is full."));
  return {
    ...store,
    fails,
    get: (key) => (fails.get ? broken() : store.get(key)),
    put: (key, value, options) =>
      (typeof fails.put === "function" ? fails.put(key) : fails.put)
        ? broken()
        : store.put(key, value, options),
  };
}

const memory = () => createMemoryStore({ clock: systemClock });

describe("the journal", () => {
  it("has a task before the worker does", async () => {
    const store = memory();
    const seen: unknown[] = [];
    const worker = {
      ...echoWorker(),
      run: async () => {
        for (const { value } of await store.list("task/")) seen.push(JSON.parse(value));
        return { result: null };
      },
    };
    const host = await startHost({ worker, store });
    await host.post(1, { key: "k" });
    expect(seen).toMatchObject([{ key: "k", state: "working" }]);
  });

  it("that cannot be written refuses the task, and nothing runs", async () => {
    const worker = echoWorker();
    const store = failing(memory());
    const host = await startHost({ worker, store });
    store.fails.put = true;
    const { status, body } = await host.post(1, { key: "k" });
    expect(status).toBe(503);
    expect(body.error).toMatchObject({ code: "store_unavailable", delivery: "not_sent" });
    store.fails.put = false;
    expect((await host.call("GET", "/api/tasks?key=k")).status).toBe(404);
    expect(worker.runs).toEqual([]);
    expect((await host.post(1, { key: "k" })).body.reply).toBe("done");
  });

  it("that cannot keep the end of a task does not cost its result, and the log says so", async () => {
    const worker = handWorker();
    const store = failing(memory());
    const host = await startHost({ worker, store });
    const posted = host.post(1, { key: "k", wait: 10 });
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    store.fails.put = true;
    worker.tasks[0]!.finish("kept in memory");
    const { body } = await posted;
    expect(body.result).toBe("kept in memory");
    expect((await host.post(2, { key: "k" })).body).toEqual(body);
    expect(host.stats()).toEqual({ inFlight: 0, queued: 0 });
    expect(host.logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    await host.drain();
  });

  it("that cannot be read makes the instance down", async () => {
    const store = failing(memory());
    const host = await startHost({ worker: echoWorker(), store });
    store.fails.get = true;
    expect(await host.call("GET", "/api/health/check")).toMatchObject({
      status: 503,
      body: { status: "down" },
    });
  });

  it("keeps a key for 24 hours after its end, and while it is worked on", async () => {
    const clock = fakeClock();
    const worker = handWorker();
    const store = createMemoryStore({ clock });
    const host = await startHost({ worker, store, clock });
    const { body } = await host.post(1, { wait: 0 });
    const ask = async () => (await host.call("GET", `/api/tasks/${body.taskId}`)).body;
    await clock.advance(25 * 3_600_000);
    expect((await ask()).reply).toBe("pending");
    worker.tasks[0]!.finish("long work");
    await vi.waitFor(async () => expect((await ask()).reply).toBe("done"));
    await clock.advance(24 * 3_600_000 - 1);
    expect((await ask()).result).toBe("long work");
    await clock.advance(1);
    expect((await ask()).error.code).toBe("run_not_found");
  });
});

describe("a host that takes up the journal of a dead one", () => {
  it("answers what was running with interrupted, and never runs it again", async () => {
    const shared = memory();
    const dead = failing(shared);
    const [before, after] = [handWorker(), echoWorker()];
    const first = await startHost({ worker: before, store: dead, concurrency: 1 });
    await first.post("ran", { key: "ran", wait: 0 });
    await first.post("waited", { key: "waited", wait: 0 });
    dead.fails.put = true;

    const second = await startHost({ worker: after, store: shared });
    for (const key of ["ran", "waited"]) {
      const posted = await second.post("again", { key });
      expect(posted.status).toBe(200);
      expect(posted.body).toMatchObject({
        reply: "failed",
        error: { code: "interrupted", delivery: "accepted" },
      });
      expect((await second.call("GET", `/api/tasks?key=${key}`)).body).toEqual(posted.body);
      expect((await second.call("DELETE", `/api/tasks?key=${key}`)).body).toMatchObject({
        reply: "failed",
        existed: true,
      });
    }
    expect(after.runs).toEqual([]);
  });

  it("knows the results, the tombstones and its own identity", async () => {
    const store = memory();
    const first = await startHost({ worker: echoWorker(), store });
    const done = (await first.post("x", { key: "done" })).body;
    const storeId = (await first.call("DELETE", "/api/tasks?key=buried")).body.storeId;
    await first.close();

    const worker = echoWorker();
    const second = await startHost({ worker, store });
    expect((await second.post("y", { key: "done" })).body).toEqual(done);
    expect((await second.post("y", { key: "buried" })).body.reply).toBe("cancelled");
    expect((await second.call("GET", "/api/health/check")).body.storeId).toBe(storeId);
    expect(worker.runs).toEqual([]);
  });

  it("finds the answer of a message that reached its session and not yet the journal", async () => {
    const shared = memory();
    const dying = failing(shared);
    const first = await startHost({ worker: echoWorker(), store: dying });
    const id = await first.open();
    await first.message(id, { data: "one", seq: 1, epoch: 1 });
    let taskWrites = 0;
    dying.fails.put = (key) => key.startsWith("task/") && ++taskWrites > 1;
    await first.message(id, { data: "two", seq: 2, epoch: 1 }, { key: "two" });

    const second = await startHost({ worker: echoWorker(), store: shared });
    expect((await second.call("GET", "/api/tasks?key=two")).body).toMatchObject({
      reply: "done",
      result: "two",
    });
  });

  it("takes a message as interrupted whose turn was written and not committed", async () => {
    const shared = memory();
    const dying = failing(shared);
    const histories: unknown[] = [];
    const worker = {
      ...echoWorker(),
      run: async (task: Parameters<ReturnType<typeof echoWorker>["run"]>[0]) => {
        histories.push(task.session?.history);
        return { result: task.payload };
      },
    };
    const first = await startHost({ worker, store: dying });
    const id = await first.open();
    let reached = 0;
    dying.fails.put = (key) => (reached > 0 || key.startsWith("session/") ? ++reached > 0 : false);
    await first.message(id, { data: "lost", seq: 1, epoch: 1 }, { key: "lost" });

    const second = await startHost({ worker, store: shared });
    expect((await second.call("GET", "/api/tasks?key=lost")).body.error.code).toBe("interrupted");
    expect((await second.message(id, { data: "next", seq: 2, epoch: 1 })).body.result).toBe("next");
    expect(histories.at(-1)).toEqual([]);
  });
});

import { describe, expect, it, vi } from "vitest";
import { echoWorker, handWorker, startHost } from "./harness.ts";

describe("a host with all it can take", () => {
  it("runs so many at once and queues the rest in order", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 2, queue: 8 });
    for (let n = 0; n < 4; n++) await host.post(n, { wait: 0 });
    expect(worker.payloads()).toEqual([0, 1]);
    expect(host.stats()).toEqual({ inFlight: 2, queued: 2 });
    expect((await host.call("GET", "/api/health/check")).body).toMatchObject({ inFlight: 2, queued: 2 });
    worker.tasks[1]!.finish("free");
    await vi.waitFor(() => expect(worker.payloads()).toEqual([0, 1, 2]));
  });

  it("refuses the next one, records nothing of it, and takes it when there is room", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 1, queue: 1 });
    await host.post("runs", { key: "runs", wait: 0 });
    await host.post("queued", { key: "queued", wait: 0 });
    const { status, headers, body } = await host.post("refused", { key: "refused" });
    expect([status, headers["retry-after"]]).toEqual([503, "1"]);
    expect(body.error).toMatchObject({
      code: "overloaded",
      instance: "A",
      delivery: "not_sent",
      retryable: true,
    });
    expect((await host.call("GET", "/api/tasks?key=refused")).status).toBe(404);
    expect((await host.post("again", { key: "queued", wait: 0 })).status).toBe(202);
    worker.tasks[0]!.finish(1);
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(2));
    expect((await host.post("refused", { key: "refused", wait: 0 })).status).toBe(202);
  });
});

describe("draining", () => {
  it("finishes what runs and is queued, refuses what is new, and still answers known keys", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 1 });
    await host.post("runs", { key: "runs", wait: 0 });
    await host.post("queued", { key: "queued", wait: 0 });
    let idle = false;
    const drained = host.drain().then(() => {
      idle = true;
    });
    expect(await host.call("GET", "/api/health/check")).toMatchObject({
      status: 503,
      body: { status: "draining", code: 503 },
    });
    for (const refused of [
      await host.post("new"),
      await host.call("POST", "/api/sessions", { sessionId: "s", epoch: 1 }),
    ]) {
      expect(refused.status).toBe(503);
      expect(refused.body.error).toMatchObject({ code: "draining", delivery: "not_sent" });
    }
    const joined = host.post("runs", { key: "runs", wait: 10 });
    worker.tasks[0]!.finish("one");
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(2));
    expect([(await joined).body.result, idle]).toEqual(["one", false]);
    worker.tasks[1]!.finish("two");
    await drained;
    expect((await host.post("queued", { key: "queued" })).body).toMatchObject({
      reply: "done",
      result: "two",
    });
    expect(worker.payloads()).toEqual(["runs", "queued"]);
  });

  it("resolves at once when nothing runs", async () => {
    const host = await startHost({ worker: echoWorker() });
    await host.post(1);
    await host.drain();
  });
});

describe("closing", () => {
  it("stops what runs and answers the waiting callers with interrupted", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 1 });
    const waiting = [host.post("runs", { wait: 10 }), host.post("queued", { wait: 10 })];
    await vi.waitFor(() => expect(host.stats()).toEqual({ inFlight: 1, queued: 1 }));
    await host.close();
    for (const { body } of await Promise.all(waiting)) {
      expect(body).toMatchObject({ reply: "failed", error: { code: "interrupted" } });
    }
    await expect(host.post("late")).rejects.toThrow("ECONNREFUSED");
  });
});

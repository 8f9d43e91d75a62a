import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { echoWorker, handWorker, startHost } from "./harness.ts";

describe("a task", () => {
  it("is answered with its result, by key and by id", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { status, body } = await host.post({ n: 1 }, { key: "run/main/0/A/0" });
    expect(status).toBe(200);
    expect(body).toEqual({ taskId: expect.any(String), reply: "done", result: { n: 1 } });
    expect((await host.call("GET", `/api/tasks/${body.taskId}`)).body).toEqual(body);
    expect((await host.call("GET", "/api/tasks?key=run%2Fmain%2F0%2FA%2F0")).body).toEqual(body);
  });

  it("without a payload is answered with the worker's description, without the worker", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    for (const body of [{}, { payload: null }, undefined] as (JsonObject | undefined)[]) {
      const answer = await host.call("POST", "/api/tasks", body);
      expect(answer.body).toMatchObject({ reply: "done", result: worker.description });
    }
    expect(worker.runs).toEqual([]);
  });

  it("without a key is a task of its own each time", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    const [first, second] = [await host.post("same"), await host.post("same")];
    expect(first.body.taskId).not.toBe(second.body.taskId);
    expect(worker.runs).toEqual(["same", "same"]);
  });

  it("that is unknown is 404, by id and by key", async () => {
    const host = await startHost({ worker: echoWorker() });
    for (const path of ["/api/tasks/nobody", "/api/tasks?key=nobody"]) {
      const { status, body } = await host.call("GET", path);
      expect([status, body.error.code]).toEqual([404, "run_not_found"]);
    }
  });

  it("goes on when the client that posted it hangs up", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { port } = new URL(host.origin);
    const socket = connect(Number(port), "127.0.0.1");
    const body = '{"payload":"alone"}';
    socket.write(
      `POST /api/tasks HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
        `Idempotency-Key: k\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    socket.destroy();
    const asked = host.call("GET", "/api/tasks?key=k&wait=10");
    worker.tasks[0]!.finish("done all the same");
    expect((await asked).body).toMatchObject({ reply: "done", result: "done all the same" });
  });
});

describe("a wait", () => {
  it("that ends first answers 202 with where to ask, and a later one gets the result", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { status, headers, body } = await host.post(1, { key: "k", wait: 0.05 });
    expect([status, body.reply, headers.location]).toEqual([202, "pending", `/api/tasks/${body.taskId}`]);
    expect((await host.call("GET", headers.location as string)).status).toBe(202);
    const asked = host.call("GET", `${headers.location}?wait=10`);
    worker.tasks[0]!.finish("late");
    expect(await asked).toMatchObject({ status: 200, body: { reply: "done", result: "late" } });
  });

  it("of zero answers at once, once the task is recorded", async () => {
    const host = await startHost({ worker: handWorker() });
    expect((await host.post(1, { key: "k", wait: 0 })).status).toBe(202);
    expect((await host.call("GET", "/api/tasks?key=k")).status).toBe(202);
  });

  it("that is no time is refused in a query", async () => {
    const host = await startHost({ worker: echoWorker() });
    await host.post(1, { key: "k" });
    const { status, body } = await host.call("GET", "/api/tasks?key=k&wait=soon");
    expect([status, body.error.code]).toEqual([400, "bad_request"]);
  });
});

describe("the same key", () => {
  it("posted twenty times at once is one execution, and all get its result", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const posts = Array.from({ length: 20 }, (_, n) => host.post(n, { key: "k", wait: 10 }));
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    worker.tasks[0]!.finish("once");
    const answers = await Promise.all(posts);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { reply: "done", result: "once" } });
    expect(worker.tasks).toHaveLength(1);
  });

  it("after the end gives the same answer again and runs nothing", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    const first = await host.post("first", { key: "k" });
    expect((await host.post("second", { key: "k" })).body).toEqual(first.body);
    expect(worker.runs).toEqual(["first"]);
  });
});

describe("a worker that fails", () => {
  it("makes the reply failed, in the worker's own words", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const posted = host.post(1);
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    worker.tasks[0]!.fail(new Error("no such file"));
    const { status, body } = await posted;
    expect(status).toBe(200);
    expect(body).toMatchObject({
      reply: "failed",
      error: {
        code: "instance_error",
        message: "no such file",
        instance: "A",
        delivery: "accepted",
        retryable: false,
      },
    });
  });

  it("keeps the code of its own error, but never invites a retry", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const posted = host.post(1);
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    worker.tasks[0]!.fail(new OrchestratorError("overloaded", "the backend is busy"));
    expect((await posted).body).toMatchObject({
      reply: "failed",
      error: { code: "overloaded", retryable: false },
    });
  });

  it("with a result that is no JSON fails alone", async () => {
    const worker = { ...echoWorker(), run: async () => ({ result: 1n as never }) };
    const host = await startHost({ worker });
    expect((await host.post(1)).body).toMatchObject({ reply: "failed", error: { code: "instance_error" } });
    expect((await host.post(null)).body.reply).toBe("done");
  });
});

import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import { testEngine } from "../engine/harness.ts";
import { echoWorker, handWorker, onEnd, startHost } from "../host/harness.ts";
import { httpClient } from "../support/http.ts";
import { recordingLogger } from "../support/logger.ts";
import { startServer } from "./harness.ts";

const PATIENT = { timeout: 10_000 };

/** The real server over a real engine; A echoes, B answers when the test says so, C is down. */
async function setUp() {
  const worker = handWorker();
  const [a, b, c] = [
    await startHost({ worker: echoWorker() }),
    await startHost({ worker }),
    await startHost({ worker: echoWorker() }),
  ];
  await c.close();
  const { engine, health, store } = testEngine({ fleet: { A: a.origin, B: b.origin, C: c.origin } });
  const logger = recordingLogger();
  const served = await startServer({ engine, logger });
  onEnd(() => served.close());
  const client = httpClient();
  onEnd(() => client.close());
  const call = (
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) =>
    client.call(method, served.origin + path, {
      ...(body !== undefined && { body }),
      ...(headers && { headers }),
    });
  return {
    worker,
    served,
    logger,
    health,
    store,
    get: (path: string, headers?: Record<string, string>) => call("GET", path, undefined, headers),
    post: (path: string, body?: unknown, headers?: Record<string, string>) =>
      call("POST", path, body, headers),
    remove: (path: string) => call("DELETE", path),
  };
}

describe("the calls of the public skill", () => {
  it.each(["/api/orchestrator", "/orchestrator"])("answer under %s as it promises", async (base) => {
    const { get, post } = await setUp();
    const route = await post(`${base}/route`, { instances: ["A", "B"], payload: { data: "task" } });
    expect(route).toMatchObject({
      status: 200,
      body: { instance: "A", reply: "done", result: { data: "task" } },
    });
    expect(route.headers["orchestrator-run-id"]).toBe(route.body.runId);
    const fanout = await post(`${base}/fanout`, { targets: ["A", "C"], aggregate: true });
    expect(fanout.body).toEqual([
      { instance: "A", reply: "done", result: expect.objectContaining({ does: expect.any(String) }) },
      {
        instance: "C",
        reply: "none",
        delivery: "not_sent",
        error: expect.objectContaining({ code: "instance_down" }),
      },
    ]);
    expect(fanout.headers["orchestrator-run-id"]).toMatch(/^run-/);
    const spawned = await post(`${base}/sessions/spawn`, {
      sessionId: `session-${base.length}`,
      instance: "A",
    });
    expect(spawned).toMatchObject({
      status: 201,
      body: { instance: "A", token: expect.stringMatching(/^ost_/) },
    });
    expect(await get(`${base}/health?instances=A-C`)).toMatchObject({
      status: 200,
      body: { A: "healthy", B: "healthy", C: "down" },
    });
  });
});

describe("a call of the Orchestrator API", () => {
  it("past its wait is a handle with the run's address, which is waited on, read and listed", async () => {
    const { worker, get, post } = await setUp();
    const { status, headers, body } = await post("/orchestrator/route", {
      instances: ["B"],
      payload: 1,
      wait: 0,
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ reply: "pending", survivesExit: true });
    expect(headers.location).toBe(`/api/orchestrator/runs/${body.runId}`);
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const waiting = get(`${headers.location}?wait=10`);
    worker.tasks[0]?.finish("x".repeat(30_000));
    expect((await waiting).body).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "B", reply: "done", resultChars: 30_002 }],
    });
    const page = await get(`/orchestrator/runs/${body.runId}?instance=B&offset=20000`);
    expect(page.body).toMatchObject({ text: "x".repeat(10_000), totalChars: 30_000 });
    const [run] = (await get("/orchestrator/runs?limit=1")).body.items;
    expect(run).toMatchObject({ runId: body.runId, createdBy: "rest", operation: "delegate" });
    const again = await post("/orchestrator/aggregate", { runId: body.runId, strategy: "first" });
    expect(again.body).toMatchObject({ strategy: "first", sources: ["B"], complete: true });
  });

  it("is cancelled at its instances by DELETE, and says what became of the work", async () => {
    const { worker, post, remove } = await setUp();
    const { body } = await post("/orchestrator/fanout", { targets: "A-B", payload: 1, wait: "10ms" });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    expect((await remove(`/orchestrator/runs/${body.runId}`)).body).toMatchObject({
      state: "ended",
      outcomes: [
        { instance: "A", reply: "done" },
        { instance: "B", delivery: "accepted", reply: "cancelled" },
      ],
    });
  });

  it("keeps sessions: sends in order, transcript, list and close", async () => {
    const { get, post, remove } = await setUp();
    await post("/orchestrator/sessions/spawn", { sessionId: "s", instance: "A" });
    const sent = await post("/orchestrator/sessions/send", { sessionId: "s", data: { key: "value" } });
    expect(sent).toMatchObject({
      status: 200,
      body: { sessionId: "s", instance: "A", seq: 1, result: { key: "value" } },
    });
    expect(sent.headers["orchestrator-run-id"]).toBe(sent.body.runId);
    expect(await post("/orchestrator/sessions/spawn", { sessionId: "s" })).toMatchObject({
      status: 409,
      body: { error: { code: "session_exists", instance: "A" } },
    });
    expect((await get("/orchestrator/sessions/s?limit=1")).body.transcript).toMatchObject([
      { data: { key: "value" } },
    ]);
    expect((await get("/orchestrator/sessions")).body.items).toMatchObject([
      { sessionId: "s", state: "open" },
    ]);
    expect((await remove("/orchestrator/sessions/s")).body).toMatchObject({ state: "closed" });
    expect(await post("/orchestrator/sessions/send", { sessionId: "s" })).toMatchObject({ status: 404 });
  });

  it("takes targets for instances and the other way round, and delegate for route", async () => {
    const { post, get } = await setUp();
    expect((await post("/orchestrator/delegate", { targets: ["A"], payload: 1 })).body).toMatchObject({
      result: 1,
    });
    expect((await post("/orchestrator/fanout", { instances: ["A"], payload: 2 })).body.counts.done).toBe(1);
    expect((await get("/orchestrator/health?targets=A")).body).toEqual({ A: "healthy" });
    expect((await get("/orchestrator/health?instances=A&detail=true")).body.A).toMatchObject({
      state: "healthy",
      protocol: "rest",
    });
  });

  it("explains with dryRun and sends nothing", async () => {
    const { worker, post } = await setUp();
    expect(await post("/orchestrator/route", { instances: ["C", "B"], dryRun: true })).toMatchObject({
      status: 200,
      body: { dryRun: true, explanation: { order: expect.arrayContaining(["B"]) } },
    });
    expect(worker.tasks).toHaveLength(0);
  });

  it("whose caller left goes on, and the identical call is answered with its run, once", async () => {
    const { worker, served, store, post } = await setUp();
    const body = JSON.stringify({ instances: ["B"], payload: { job: 7 } });
    const leaving = new Agent();
    const left = leaving.request({
      origin: served.origin,
      path: "/orchestrator/route",
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const noticed = left.then(
      () => "answered",
      () => "broken",
    );
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    await leaving.destroy();
    expect(await noticed).toBe("broken");
    worker.tasks[0]?.finish("not heard");
    // The server learns of the broken connection in its own time.
    await expect.poll(async () => (await store.list("unclaimed/")).length, PATIENT).toBe(1);
    const again = await post("/orchestrator/route", { instances: ["B"], payload: { job: 7 } });
    expect(again.body).toMatchObject({
      result: "not heard",
      warnings: [expect.stringContaining("fresh: true")],
    });
    expect(worker.tasks).toHaveLength(1);
  });

  it("has a request id, its own or the caller's, and a line in the log with run and instance", async () => {
    const { logger, post } = await setUp();
    const answer = await post(
      "/orchestrator/route",
      { instances: ["A"], payload: 1 },
      { "x-request-id": "mine-1" },
    );
    expect(answer.headers["x-request-id"]).toBe("mine-1");
    const { headers } = await post(
      "/orchestrator/route",
      { instances: ["A"] },
      { "x-request-id": "no good\u00ff" },
    );
    expect(headers["x-request-id"]).toMatch(/^[\w-]{12}$/);
    await expect
      .poll(() => logger.lines.find(({ facts }) => facts.requestId === "mine-1"))
      .toMatchObject({
        level: "info",
        facts: {
          method: "POST",
          path: "/orchestrator/route",
          status: 200,
          runId: answer.body.runId,
          instance: "A",
        },
      });
  });

  it("that fails carries the run's id, and what was delivered", async () => {
    const { post, health } = await setUp();
    await health(["C"]);
    const refused = await post("/orchestrator/route", { instances: ["C"], payload: 1, retries: 0 });
    expect(refused).toMatchObject({
      status: 503,
      body: { error: { code: "instance_down", delivery: "not_sent", retryable: true } },
    });
    expect(refused.headers["orchestrator-run-id"]).toBe(refused.body.error.runId);
  });
});

describe("a server that is about to end", () => {
  it("refuses new work, answers about the old, and gives handles to those who wait", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { engine } = testEngine({ fleet: { A: host.origin } });
    const served = await startServer({ engine });
    const client = httpClient();
    onEnd(() => client.close());
    const waiting = client.call("POST", `${served.origin}/orchestrator/route`, {
      body: { instances: ["A"], payload: 1 },
    });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    served.drain();
    expect(
      await client.call("POST", `${served.origin}/orchestrator/route`, { body: { instances: ["A"] } }),
    ).toMatchObject({
      status: 503,
      body: { error: { code: "draining", delivery: "not_sent", retryable: true } },
    });
    expect(await client.call("GET", `${served.origin}/api/health/check`)).toMatchObject({
      status: 503,
      body: { status: "draining" },
    });
    expect(await client.call("GET", `${served.origin}/orchestrator/runs`)).toMatchObject({ status: 200 });
    const [answer] = await Promise.all([waiting, engine.close(50)]);
    await served.close();
    expect(answer).toMatchObject({ status: 202, body: { reply: "pending", survivesExit: true } });
    // It was left to others, not cancelled.
    expect(worker.tasks[0]?.cancellation.error).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import type { Json } from "../../src/core/json.ts";
import { caller, echoWorker, startHost } from "./harness.ts";

describe("a wrong request", () => {
  it.each<[string, string, Json, string]>([
    ["a body that is an array", "/api/tasks", [1], "the body"],
    ["a session without a name", "/api/sessions", { epoch: 1 }, "sessionId"],
    ["a session with a wrong epoch", "/api/sessions", { sessionId: "s", epoch: "new" }, "epoch"],
    ["a history that is no list", "/api/sessions", { sessionId: "s", epoch: 1, history: {} }, "history"],
    ["a message without a number", "/api/sessions/x/messages", { data: 1, epoch: 1 }, "seq"],
    ["a message numbered 0", "/api/sessions/x/messages", { data: 1, seq: 0, epoch: 1 }, "seq"],
  ])("with %s is refused by the name of what is wrong", async (_, path, body, field) => {
    const host = await startHost({ worker: echoWorker() });
    const answer = await host.call("POST", path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(answer.body.error.message).toContain(field);
  });

  it("with fields that are not known is taken all the same", async () => {
    const host = await startHost({ worker: echoWorker() });
    expect((await host.call("POST", "/api/tasks", { payload: 1, later: true })).body.result).toBe(1);
  });

  it("with a key that is too long records nothing", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    expect((await host.post(1, { key: "k".repeat(513) })).status).toBe(400);
    expect((await host.call("GET", "/api/tasks")).status).toBe(400);
    expect(worker.runs).toEqual([]);
  });

  it("is a loop after eight orchestrators", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker });
    expect((await host.post("eighth", { hops: "8" })).status).toBe(200);
    const ninth = await host.post("ninth", { hops: "9" });
    expect(ninth.status).toBe(508);
    expect(ninth.body.error).toMatchObject({ code: "loop_detected", delivery: "not_sent" });
    expect((await host.post("what", { hops: "many" })).status).toBe(400);
    expect(worker.runs).toEqual(["eighth"]);
  });
});

describe("the key", () => {
  const keys = () => ["right"];

  it("is demanded of everything but health, which says little without one", async () => {
    const worker = echoWorker();
    const host = await startHost({ worker, keys });
    expect((await host.post(1)).status).toBe(401);
    expect(
      (await host.call("GET", "/api/tasks?key=k", undefined, { authorization: "Bearer wrong" })).status,
    ).toBe(401);
    expect((await host.call("GET", "/api/health/check")).body).toEqual({ status: "healthy", code: 200 });
    expect(worker.runs).toEqual([]);
  });

  it("opens everything, and health with all its figures", async () => {
    const worker = { ...echoWorker(), facts: () => ({ documents: 42 }) };
    const host = await startHost({ worker, keys });
    const authorization = { authorization: "Bearer right" };
    expect((await host.call("POST", "/api/tasks", { payload: 1 }, authorization)).body.result).toBe(1);
    expect((await host.call("GET", "/api/health/check", undefined, authorization)).body).toEqual({
      status: "healthy",
      code: 200,
      instance: "A",
      inFlight: 0,
      queued: 0,
      storeId: expect.any(String),
      capabilities: { idempotency: true, cancel: true, sessions: true },
      facts: { documents: 42 },
    });
  });

  it("is not enough for a web page", async () => {
    const host = await startHost({ worker: echoWorker() });
    const call = caller(host.origin);
    expect(
      (await call("POST", "/api/tasks", { payload: 1 }, { origin: "https://evil.example" })).status,
    ).toBe(403);
  });
});

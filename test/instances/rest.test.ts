import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { Fault } from "../support/fault-server.ts";
import { done, hang, refuse, reset, respond } from "../support/faults.ts";
import { call, clientsFor, closedPort, errorOf, facts, faultyInstance, instanceAt } from "./harness.ts";

const asked = { waitMs: 0, cancellation: new Cancellation() };

describe("send", () => {
  it("posts the payload with its key, its wait in whole seconds, and its hops", async () => {
    const { server, client } = await faultyInstance();
    server.play(done({ x: 1 }, "t9"));
    const answer = await client.send(
      call({ key: "r/main/0/A/0", payload: { q: "é" }, waitMs: 2_900, hops: 3 }),
    );
    expect(answer).toEqual({ delivery: "accepted", reply: "done", taskId: "t9", result: { x: 1 } });
    expect(server.requests).toMatchObject([
      {
        method: "POST",
        path: "/api/tasks",
        headers: {
          "content-type": "application/json",
          "idempotency-key": "r/main/0/A/0",
          prefer: "wait=2",
          "orchestrator-hops": "3",
        },
        body: '{"payload":{"q":"é"}}',
      },
    ]);
  });

  it("sends null and a wait of 0 as they are", async () => {
    const { server, client } = await faultyInstance();
    server.play(done());
    await client.send(call({ payload: null }));
    expect(server.requests).toMatchObject([{ headers: { prefer: "wait=0" }, body: '{"payload":null}' }]);
  });
});

describe("ask", () => {
  it("names the task by the instance's id where there is one, else by our key", async () => {
    const { server, client } = await faultyInstance();
    server.play(done());
    await client.ask({ key: "r/main/0/A/0", taskId: "t1" }, { ...asked, waitMs: 5_000 });
    await client.ask({ key: "r/main/0/A/0" }, asked);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /api/tasks/t1?wait=5",
      "GET /api/tasks?key=r%2Fmain%2F0%2FA%2F0&wait=0",
    ]);
  });

  it("says unseen when the instance knows no such task", async () => {
    const { server, client } = await faultyInstance();
    server.play(refuse(404, { code: "run_not_found" }));
    expect(await client.ask({ key: "k" }, asked)).toBe("unseen");
  });

  it.each<[string, Fault]>([
    ["a 404 of something else", respond({ status: 404, body: "<html>not found</html>" })],
    ["our own 404 of a server that is no instance", refuse(404, { code: "bad_request" })],
    ["a page of something else", respond({ body: "<html>log in</html>" })],
    ["an error of its own", respond({ status: 500 })],
    ["a broken connection", reset],
  ])("takes nothing for an answer about the task that is none: %s", async (_what, fault) => {
    const { server, client } = await faultyInstance();
    server.play(fault);
    const answer = await client.ask({ key: "k" }, asked);
    expect(answer).toMatchObject({ reply: "none", error: { instance: "A" } });
    expect(answer).not.toMatchObject({ delivery: "accepted" });
  });
});

describe("cancel", () => {
  it("tells what the instance says became of the task", async () => {
    const { server, client } = await faultyInstance();
    const error = { code: "cancelled", message: "stopped" };
    server.play(respond({ body: { taskId: "t1", reply: "cancelled", error, existed: true, storeId: "s" } }));
    const told = await client.cancel({ key: "k", taskId: "t1" });
    expect(told.known === true && facts(told.answer)).toBe("accepted cancelled cancelled");
    expect(server.requests).toMatchObject([{ method: "DELETE", path: "/api/tasks/t1" }]);
  });

  it("tells that it came too late, with the result", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { taskId: "t1", reply: "done", result: 7, existed: true, storeId: "s" } }));
    expect(await client.cancel({ key: "k" })).toEqual({
      known: true,
      answer: { delivery: "accepted", reply: "done", taskId: "t1", result: 7 },
    });
  });

  it("hands on a tombstone with the journal's identity", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { taskId: "t1", reply: "cancelled", existed: false, storeId: "s-1" } }));
    expect(await client.cancel({ key: "a b" })).toEqual({ known: false, storeId: "s-1" });
    expect(server.requests[0]?.path).toBe("/api/tasks?key=a%20b");
  });

  it.each<[string, Fault, string]>([
    [
      "a tombstone without the journal's identity",
      respond({ body: { reply: "cancelled", existed: false } }),
      "instance_error",
    ],
    ["a page of something else", respond({ body: "ok" }), "instance_error"],
    ["a refusal", respond({ status: 404 }), "instance_error"],
    ["a broken connection", reset, "instance_down"],
  ])("knows nothing from %s", async (_what, fault, code) => {
    const { server, client } = await faultyInstance();
    server.play(fault);
    expect(await client.cancel({ key: "k" })).toMatchObject({
      known: "unknown",
      error: { code, instance: "A" },
    });
  });
});

describe("check", () => {
  it("reports health with its figures and how long it took", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { status: "healthy", code: 200, inFlight: 3, storeId: "s-1" } }));
    const { latencyMs, ...probe } = await client.check(1_000);
    expect(probe).toEqual({
      state: "healthy",
      reason: "answered healthy (HTTP 200)",
      inFlight: 3,
      storeId: "s-1",
    });
    expect(latencyMs).toBeGreaterThan(0);
    expect(server.requests).toMatchObject([{ method: "GET", path: "/api/health/check" }]);
  });

  it.each<[string, Fault, string, string]>([
    [
      "draining",
      respond({ status: 503, body: { status: "draining" } }),
      "draining",
      "answered draining (HTTP 503)",
    ],
    ["down", respond({ status: 503, body: { status: "down" } }), "down", "answered down (HTTP 503)"],
    ["degraded", respond({ body: { status: "degraded" } }), "degraded", "answered degraded (HTTP 200)"],
    [
      "an unknown status",
      respond({ body: { status: "fine" } }),
      "down",
      "answered HTTP 200, with other JSON for our health JSON",
    ],
    ["HTML", respond({ body: "<html></html>" }), "down", "answered HTTP 200, with HTML for our health JSON"],
    ["nothing", respond(), "down", "answered HTTP 200, with nothing for our health JSON"],
    ["a redirect", respond({ status: 302 }), "down", "answered a redirect (HTTP 302)"],
    [
      "no such path",
      respond({ status: 404, body: "no" }),
      "down",
      "answered HTTP 404, with text for our health JSON",
    ],
    ["a refused key", respond({ status: 401 }), "degraded", "refuses our key (HTTP 401)"],
    [
      "a bare 503",
      respond({ status: 503 }),
      "degraded",
      "answered HTTP 503, with nothing for our health JSON",
    ],
    [
      "our own error",
      refuse(500, { code: "internal", message: "disk" }),
      "degraded",
      "answered HTTP 500: internal: disk",
    ],
    ["a reset", reset, "down", "the connection broke after the request was sent"],
  ])("reports %s", async (_what, fault, state, reason) => {
    const { server, client } = await faultyInstance();
    server.play(fault);
    const probe = await client.check(1_000);
    expect(probe.state).toBe(state);
    expect(probe.reason).toContain(reason);
  });

  it("reports a refused connection as down", async () => {
    const client = clientsFor().of(instanceAt(`http://127.0.0.1:${await closedPort()}`));
    expect(await client.check(1_000)).toMatchObject({ state: "down", reason: "connection refused" });
  });

  it("takes no longer than it may", async () => {
    const { server, client } = await faultyInstance();
    server.play(hang);
    const probe = await client.check(100);
    expect(probe).toMatchObject({ state: "down", reason: "no answer within 100 ms" });
    expect(probe.latencyMs).toBeLessThan(2_000);
  });
});

describe("sessions", () => {
  const opening = { sessionId: "session1", epoch: 2, cancellation: new Cancellation() };

  it("are opened under an id of the instance's own, sent messages, and closed", async () => {
    const { server, client } = await faultyInstance();
    server.play(
      respond({ status: 201, body: { id: "r/1", epoch: 2 } }),
      done("hi", "t1"),
      respond({ body: { id: "r/1", closed: true } }),
    );
    const { remoteId } = await client.openSession(opening);
    expect(remoteId).toBe("r/1");
    const answer = await client.message(remoteId, 2, 5, call({ payload: { message: "hello" } }));
    expect(answer).toEqual({ delivery: "accepted", reply: "done", taskId: "t1", result: "hi" });
    await client.closeSession(remoteId);
    expect(server.requests).toMatchObject([
      { method: "POST", path: "/api/sessions", body: '{"sessionId":"session1","epoch":2}' },
      {
        method: "POST",
        path: "/api/sessions/r%2F1/messages",
        headers: { "idempotency-key": "run/main/0/A/0", prefer: "wait=0" },
        body: '{"data":{"message":"hello"},"seq":5,"epoch":2}',
      },
      { method: "DELETE", path: "/api/sessions/r%2F1" },
    ]);
  });

  it("reject with the instance's refusal when they cannot be opened", async () => {
    const { server, client } = await faultyInstance();
    server.play(refuse(503, { code: "draining", message: "bye", delivery: "not_sent" }));
    await expect(client.openSession(opening)).rejects.toMatchObject({ code: "draining", instance: "A" });
    server.play(respond({ body: { ok: true } }));
    await expect(client.openSession(opening)).rejects.toMatchObject({ code: "instance_error" });
  });

  it("that the instance has forgotten say so on a message, and count as closed on close", async () => {
    const { server, client } = await faultyInstance();
    server.play(refuse(404, { code: "session_not_found", delivery: "not_sent" }));
    const answer = await client.message("r1", 0, 1, call());
    expect(facts(answer)).toBe("not_sent none session_not_found");
    await client.closeSession("r1");
  });

  it("of an earlier owner are refused as a conflict", async () => {
    const { server, client } = await faultyInstance();
    server.play(refuse(409, { code: "conflict", message: "epoch 1 is over", delivery: "not_sent" }));
    const answer = await client.message("r1", 1, 1, call());
    expect(facts(answer)).toBe("not_sent none conflict");
    expect(errorOf(answer)?.message).toContain("epoch 1 is over");
  });

  it("that cannot be closed reject with why", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status: 404, body: "what?" }));
    await expect(client.closeSession("r1")).rejects.toMatchObject({ code: "instance_error", instance: "A" });
  });
});

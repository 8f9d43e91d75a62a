import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/core/ports.ts";
import { begin, done, gibberish, hang, hangUp, refuse, reset, respond } from "../support/faults.ts";
import {
  call,
  clientsFor,
  closedPort,
  errorOf,
  facts,
  faultyInstance,
  instanceAt,
  startServer,
} from "./harness.ts";

describe("not sent: nothing was given to an established connection", () => {
  it("a refused connection", async () => {
    const answer = await clientsFor()
      .of(instanceAt(`http://127.0.0.1:${await closedPort()}`))
      .send(call());
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(errorOf(answer)?.message).toBe("A: connection refused.");
  });

  it("a host name that does not exist", async () => {
    const answer = await clientsFor().of(instanceAt("http://nosuch.invalid")).send(call());
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(errorOf(answer)?.message).toMatch(/host name/);
  });

  it("TLS spoken to a plain port", async () => {
    const server = await startServer((socket) => {
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      return true;
    });
    const answer = await clientsFor()
      .of(instanceAt(`https://127.0.0.1:${server.port}`))
      .send(call());
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(errorOf(answer)?.message).toMatch(/TLS/);
  });

  it("a connection that is not made in time", async () => {
    const server = await startServer(() => true);
    const clients = clientsFor({ limits: { connectTimeoutMs: 100 } });
    const answer = await clients.of(instanceAt(`https://127.0.0.1:${server.port}`)).send(call());
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(errorOf(answer)?.message).toBe("A: no connection in time.");
  });

  it("a request that cannot be written as HTTP", async () => {
    const { server, client } = await faultyInstance();
    server.play(done());
    const answer = await client.send(call({ key: "two\nlines" }));
    expect(facts(answer)).toBe("not_sent none bad_request");
    expect(answer).toMatchObject({ again: "never" });
    expect(server.requests).toEqual([]);
  });
});

describe("not sent: the instance refused", () => {
  it.each([301, 302, 303, 304, 307, 308])("a redirect %i, which is not followed", async (status) => {
    const { server, client } = await faultyInstance();
    server.play(
      respond({ status, headers: { location: `${server.url}/elsewhere`, "content-length": 0 } }),
      done(),
    );
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none instance_error");
    expect(answer).toMatchObject({ again: "later" });
    expect(errorOf(answer)?.message).toContain("/elsewhere");
    expect(server.requests).toHaveLength(1);
  });

  it("429 without Retry-After", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status: 429 }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none rate_limited");
    expect(answer).toMatchObject({ again: "later" });
    expect(answer).not.toHaveProperty("retryAfterMs");
  });

  it("429 with Retry-After in seconds", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status: 429, headers: { "retry-after": "7" } }));
    expect(await client.send(call())).toMatchObject({
      delivery: "not_sent",
      again: "later",
      retryAfterMs: 7000,
    });
  });

  it("429 with Retry-After as a date", async () => {
    const { server, client } = await faultyInstance();
    const at = new Date(Date.now() + 60_000).toUTCString();
    server.play(respond({ status: 429, headers: { "retry-after": at } }));
    const answer = await client.send(call());
    expect(answer).toMatchObject({ delivery: "not_sent", again: "later" });
    const { retryAfterMs } = answer as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(40_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it("503 in our own form of a refusal, with Retry-After", async () => {
    const { server, client } = await faultyInstance();
    server.play(
      refuse(503, { code: "overloaded", message: "64 tasks", delivery: "not_sent" }, { "retry-after": 1 }),
    );
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none overloaded");
    expect(answer).toMatchObject({ again: "later", retryAfterMs: 1000 });
    expect(errorOf(answer)?.message).toBe("A answered HTTP 503: 64 tasks");
  });

  it.each([401, 403])("%i", async (status) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status, body: "who are you" }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none instance_unauthorized");
    expect(answer).toMatchObject({ again: "never" });
    expect(errorOf(answer)?.message).toBe(`A answered HTTP ${status}: who are you`);
  });

  it.each([
    [400, "bad_request"],
    [404, "instance_error"],
    [405, "instance_error"],
    [413, "payload_too_large"],
    [415, "instance_error"],
    [422, "bad_request"],
    [451, "instance_error"],
  ])("another 4xx (%i), never again here and in the instance's own words", async (status, code) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status, body: "field x\nis wrong" }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe(`not_sent none ${code}`);
    expect(answer).toMatchObject({ again: "never" });
    expect(errorOf(answer)).toMatchObject({ instance: "A", delivery: "not_sent", retryable: false });
    expect(errorOf(answer)?.message).toBe(`A answered HTTP ${status}: field x is wrong`);
  });

  it("a 4xx in our own form keeps its code, action and details", async () => {
    const { server, client } = await faultyInstance();
    server.play(
      refuse(400, {
        code: "bad_request",
        message: "no query",
        action: "Give one.",
        details: { field: "query" },
      }),
    );
    const error = errorOf(await client.send(call()));
    expect(error).toMatchObject({
      code: "bad_request",
      action: "The instance advises: Give one.",
      details: { field: "query" },
    });
  });

  it("a 4xx whose body breaks off is refused all the same", async () => {
    const { server, client } = await faultyInstance();
    server.play((socket) => socket.end("HTTP/1.1 400 x\r\ncontent-length: 100\r\n\r\nfield"));
    expect(facts(await client.send(call()))).toBe("not_sent none bad_request");
  });
});

describe("unknown: it may have arrived", () => {
  const large = call({ payload: "x".repeat(4_000_000) });

  it("a reset while the request is being written", async () => {
    const { client } = await faultyInstance({}, (socket) => {
      socket.resetAndDestroy();
      return true;
    });
    expect(facts(await client.send(large))).toBe("unknown none instance_down");
  });

  it("a reset after the request", async () => {
    const { server, client } = await faultyInstance();
    server.play(reset);
    const answer = await client.send(call());
    expect(facts(answer)).toBe("unknown none instance_down");
    expect(errorOf(answer)?.retryable).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  it("a connection closed without an answer", async () => {
    const { server, client } = await faultyInstance();
    server.play(hangUp);
    expect(facts(await client.send(call()))).toBe("unknown none instance_down");
    expect(server.requests).toHaveLength(1);
  });

  it.each([["reset", reset] as const, ["closed", hangUp] as const])(
    "a kept-alive connection that is %s just as it is used again, and the request is not repeated",
    async (_how, fault) => {
      const { server, client } = await faultyInstance();
      const used = new Set<Socket>();
      server.play((socket, request) => {
        (used.has(socket) ? fault : done())(socket, request);
        used.add(socket);
      });
      let sent = 0;
      let answer: Answer;
      do {
        answer = await client.send(call());
        sent += 1;
      } while (answer.delivery === "accepted" && sent < 50);
      expect(facts(answer)).toBe("unknown none instance_down");
      expect(server.requests).toHaveLength(sent);
    },
  );

  it("a status line that breaks off", async () => {
    const { server, client } = await faultyInstance();
    server.play((socket) => socket.end("HTTP/1.1 20"));
    expect(facts(await client.send(call()))).toMatch(/^unknown none /);
  });

  it("no answer in time", async () => {
    const { server, client } = await faultyInstance({ graceMs: 100 });
    server.play(hang);
    const answer = await client.send(call());
    expect(facts(answer)).toBe("unknown none timeout");
    expect(errorOf(answer)?.message).toBe("A: no answer in time.");
  });

  it("an answer that is not HTTP", async () => {
    const { server, client } = await faultyInstance();
    server.play(gibberish("SSH-2.0-OpenSSH_9.6\r\n"));
    const answer = await client.send(call());
    expect(facts(answer)).toBe("unknown none instance_error");
    expect(errorOf(answer)?.message).toMatch(/not HTTP/);
  });

  it.each([
    [408, "timeout"],
    [409, "instance_error"],
    [499, "instance_error"],
    [500, "instance_error"],
    [501, "instance_error"],
    [502, "instance_error"],
    [503, "instance_down"],
    [504, "timeout"],
    [507, "instance_error"],
  ])("a bare %i", async (status, code) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status, headers: { "retry-after": 1 }, body: "oops" }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe(`unknown none ${code}`);
    expect(errorOf(answer)).toMatchObject({ instance: "A", delivery: "unknown", retryable: false });
  });

  it("503 in our own form that does not say not_sent", async () => {
    const { server, client } = await faultyInstance();
    server.play(refuse(503, { code: "overloaded" }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe("unknown none overloaded");
    expect(errorOf(answer)?.status).toBe(502);
  });

  it("503 whose own refusal breaks off", async () => {
    const { server, client } = await faultyInstance();
    const text = '{"error":{"code":"draining","message":"x","delivery":"not_sent"';
    server.play((socket) => socket.end(`HTTP/1.1 503 x\r\ncontent-length: 200\r\n\r\n${text}`));
    expect(facts(await client.send(call()))).toBe("unknown none instance_down");
  });
});

describe("accepted: a 2xx status line, whatever then becomes of the body", () => {
  it.each([200, 201, 202])("%i with a task", async (status) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ status, body: { taskId: "t", reply: "pending" } }));
    expect(await client.send(call())).toEqual({ delivery: "accepted", reply: "pending", taskId: "t" });
  });

  it.each([["reset", reset] as const, ["closed", hangUp] as const])(
    "a connection that is %s right after the status line",
    async (_how, fault) => {
      const { server, client } = await faultyInstance();
      server.play(begin("", fault));
      const answer = await client.send(call());
      expect(facts(answer)).toBe("accepted pending instance_down");
      expect(server.requests).toHaveLength(1);
    },
  );
});

describe("error.delivery of our own envelope overrides the status", () => {
  it.each([
    [409, "conflict", "not_sent", "not_sent none conflict", "never"],
    [409, "session_busy", "not_sent", "not_sent none session_busy", "later"],
    [500, "internal", "not_sent", "not_sent none instance_error", "never"],
    [502, "instance_down", "not_sent", "not_sent none instance_down", "later"],
    [508, "loop_detected", "not_sent", "not_sent none loop_detected", "never"],
    [400, "bad_request", "unknown", "unknown none bad_request", undefined],
    [429, "rate_limited", "unknown", "unknown none rate_limited", undefined],
    [504, "timeout", "accepted", "accepted pending timeout", undefined],
  ])("%i %s with delivery %s", async (status, code, delivery, expected, again) => {
    const { server, client } = await faultyInstance();
    server.play(refuse(status, { code, delivery }));
    const answer = await client.send(call());
    expect(facts(answer)).toBe(expected);
    expect((answer as { again?: string }).again).toBe(again);
    expect(errorOf(answer)?.delivery).toBe(delivery);
  });

  it.each([{ delivery: "maybe" }, { delivery: 1 }, { message: 7, delivery: "not_sent" }])(
    "but an envelope that is malformed overrides nothing: %j",
    async (error) => {
      const { server, client } = await faultyInstance();
      server.play(refuse(500, { code: "internal", ...error }));
      expect((await client.send(call())).delivery).toBe("unknown");
    },
  );
});

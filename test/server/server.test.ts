import { EventEmitter, once } from "node:events";
import { connect, createServer as createTcpServer } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import { type AcceptedKey, adminKey } from "../../src/core/keys.ts";
import type { Guarded } from "../../src/server/guards.ts";
import { listen } from "../../src/server/listen.ts";
import { createServer } from "../../src/server/server.ts";
import { type HttpClient, httpClient } from "../support/http.ts";
import { recordingLogger } from "../support/logger.ts";

let client: HttpClient;
let log: ReturnType<typeof recordingLogger>;
let open: FastifyInstance[];

beforeEach(() => {
  client = httpClient();
  log = recordingLogger();
  open = [];
});

afterEach(async () => {
  await client.close();
  await Promise.all(open.map((server) => server.close()));
});

function newServer(keys: () => readonly AcceptedKey[] = () => []): FastifyInstance {
  const server = createServer({ logger: log, keys });
  open.push(server);
  return server;
}

const refusalOf = (listening: Promise<string>) =>
  listening.then(
    () => expect.fail("it listens"),
    (error: OrchestratorError) => error,
  );

describe("an error of a handler", () => {
  it("keeps its code, status and facts", async () => {
    const server = newServer();
    server.get("/draining", async () => {
      throw new OrchestratorError("draining", "A is shutting down.", { instance: "A", delivery: "not_sent" });
    });
    server.get("/risky", async () => {
      throw new OrchestratorError("overloaded", "A dropped it.", { instance: "A", delivery: "unknown" });
    });
    const origin = await listen(server, { host: "127.0.0.1", port: 0 });
    const draining = await client.call("GET", `${origin}/draining`);
    expect(draining.status).toBe(503);
    expect(draining.body.error).toMatchObject({ code: "draining", instance: "A", retryable: true });
    expect((await client.call("GET", `${origin}/risky`)).status).toBe(502);
  });

  it("that nobody expected is internal, and its cause is in the log", async () => {
    const server = newServer();
    server.get("/broken", async () => {
      throw new TypeError("x is not a function");
    });
    const origin = await listen(server, { host: "127.0.0.1", port: 0 });
    const { status, body } = await client.call("GET", `${origin}/broken`);
    expect(status).toBe(500);
    expect(body.error.code).toBe("internal");
    const line = log.lines.find(({ level }) => level === "error");
    expect(line?.facts.err).toBeInstanceOf(TypeError);
  });
});

describe("listening", () => {
  it.each([
    ["127.0.0.1", /^http:\/\/127\.0\.0\.1:\d+$/],
    ["localhost", /^http:\/\/127\.0\.0\.1:\d+$/],
    ["::1", /^http:\/\/\[::1\]:\d+$/],
    ["[::1]", /^http:\/\/\[::1\]:\d+$/],
  ])("on %s gives an origin that answers", async (host, expected) => {
    const origin = await listen(newServer(), { host, port: 0 });
    expect(origin).toMatch(expected);
    expect((await client.call("GET", `${origin}/`)).status).toBe(404);
  });

  it("beyond loopback without a key is refused", async () => {
    const server = newServer(() => []);
    const error = await refusalOf(listen(server, { host: "0.0.0.0", port: 0 }));
    expect(error).toMatchObject({ code: "bad_request" });
    expect(error.message).toContain("0.0.0.0");
    expect(error.action).toContain("ORCHESTRATOR_API_KEY");
    expect(server.server.listening).toBe(false);
  });

  it.each([
    ["0.0.0.0", "http://127.0.0.1:7411"],
    ["::", "http://[::1]:7411"],
  ])(
    "on %s with a key gives the loopback origin, and the machine's own name is known",
    async (host, expected) => {
      // Tests open no port to the network: this stands for a server that would.
      const guarded: Guarded = { keys: () => [adminKey("k")], ownHosts: new Set(), beyondLoopback: false };
      const server = { guarded, listen: async () => "", server: { address: () => ({ port: 7411 }) } };
      expect(await listen(server as unknown as FastifyInstance, { host, port: 7411 })).toBe(expected);
      expect(guarded.beyondLoopback).toBe(true);
      expect(guarded.ownHosts).toContain(hostname().toLowerCase());
    },
  );

  it("beyond loopback lets nobody in once its keys are gone", async () => {
    const server = newServer(() => []);
    const origin = await listen(server, { host: "127.0.0.1", port: 0 });
    server.guarded.beyondLoopback = true;
    expect((await client.call("GET", `${origin}/`)).status).toBe(401);
    const headers = { authorization: "Bearer k" };
    expect((await client.call("GET", `${origin}/`, { headers })).status).toBe(401);
  });

  it("on a port in use names host, port and the way out", async () => {
    const other = createTcpServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    try {
      const error = await refusalOf(listen(newServer(), { host: "127.0.0.1", port }));
      expect(error).toBeInstanceOf(OrchestratorError);
      expect(error.message).toContain("127.0.0.1");
      expect(error.message).toContain(String(port));
      expect(error.action).toContain("--port");
    } finally {
      other.close();
    }
  });

  it.each(["no-such-host.invalid", "192.0.2.1"])(
    "on %s, which is not this machine's, is refused",
    async (host) => {
      const error = await refusalOf(
        listen(
          newServer(() => [adminKey("k")]),
          { host, port: 0 },
        ),
      );
      expect(error).toMatchObject({ code: "bad_request" });
      expect(error.message).toContain(host);
    },
  );
});

describe("closing", () => {
  it("lets a request in progress end", async () => {
    const server = newServer();
    const gate = new EventEmitter();
    const entered = once(gate, "entered");
    server.get("/slow", async () => {
      gate.emit("entered");
      await once(gate, "leave");
      return { done: true };
    });
    const origin = await listen(server, { host: "127.0.0.1", port: 0 });
    const answer = client.call("GET", `${origin}/slow`);
    await entered;
    const closed = server.close();
    gate.emit("leave");
    expect((await answer).body).toEqual({ done: true });
    await closed;
    await expect(client.call("GET", `${origin}/slow`)).rejects.toThrow();
  });

  it("does not wait for ever for a connection that says nothing", async () => {
    const server = newServer();
    const origin = await listen(server, { host: "127.0.0.1", port: 0 });
    const accepted = once(server.server, "connection");
    const silent = connect(Number(new URL(origin).port), "127.0.0.1");
    const hungUp = new Promise((resolve) => silent.once("close", resolve));
    silent.on("error", () => {});
    await accepted;
    await server.close();
    await hungUp;
  });
});

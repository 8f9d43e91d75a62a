import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adminKey } from "../../src/core/keys.ts";
import { listen } from "../../src/server/listen.ts";
import { createServer } from "../../src/server/server.ts";
import { type HttpClient, httpClient } from "../support/http.ts";
import { recordingLogger } from "../support/logger.ts";

const KEY = { authorization: "Bearer right" };

let server: FastifyInstance;
let origin: string;
let client: HttpClient;
let keys: string[];
let log: ReturnType<typeof recordingLogger>;

beforeEach(async () => {
  keys = ["right", "also-right"];
  log = recordingLogger();
  server = createServer({
    logger: log,
    keys: () => keys.map(adminKey),
    allowedHosts: () => ["fleet.example"],
    bodyLimit: 1000,
  });
  server.get("/open", { config: { open: true } }, async ({ caller }) => ({ known: caller !== undefined }));
  server.post("/echo", async (request) => ({ got: request.body ?? null }));
  origin = await listen(server, { host: "127.0.0.1", port: 0 });
  client = httpClient();
});

afterEach(async () => {
  await client.close();
  await server.close();
});

const echo = (body?: unknown, headers: Record<string, string> = {}) =>
  client.call("POST", `${origin}/echo`, { body, headers: { ...KEY, ...headers } });

/** What a raw connection is answered with, until the server hangs up. */
async function raw(request: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  socket.end(request);
  return text(socket);
}

describe("the key", () => {
  it("lets in a request that carries any of the accepted ones", async () => {
    expect((await echo({ a: 1 })).body).toEqual({ got: { a: 1 } });
    expect((await echo({ a: 1 }, { authorization: "bearer also-right" })).status).toBe(200);
  });

  it.each([
    ["none", ""],
    ["a wrong one", "Bearer wrong"],
    ["one that begins like the right one", "Bearer righ"],
    ["the right one in another scheme", "Basic right"],
    ["an empty one", "Bearer "],
  ])("refuses a request with %s", async (_, authorization) => {
    const headers: Record<string, string> = authorization === "" ? {} : { authorization };
    const {
      status,
      headers: answered,
      body,
    } = await client.call("POST", `${origin}/echo`, { body: {}, headers });
    expect(status).toBe(401);
    expect(answered["www-authenticate"]).toBe("Bearer");
    expect(body.error).toMatchObject({ code: "unauthorized", retryable: false });
    expect(body.error.action).not.toBe("");
  });

  it("is asked for before an unknown path is admitted", async () => {
    expect((await client.call("GET", `${origin}/nowhere`)).status).toBe(401);
  });

  it("may be left out on an open path, which then knows it", async () => {
    const open = (headers = {}) => client.call("GET", `${origin}/open?x=1`, { headers });
    expect((await open()).body).toEqual({ known: false });
    expect((await open(KEY)).body).toEqual({ known: true });
    expect((await open({ authorization: "Bearer wrong" })).status).toBe(401);
  });

  it("is read afresh for each request", async () => {
    keys = ["new"];
    expect((await echo({})).status).toBe(401);
    expect((await echo({}, { authorization: "Bearer new" })).status).toBe(200);
  });

  it("is not needed on loopback when none is set", async () => {
    keys = [];
    expect((await client.call("POST", `${origin}/echo`, { body: {} })).status).toBe(200);
    expect((await client.call("GET", `${origin}/open`)).body).toEqual({ known: true });
  });
});

describe("Host", () => {
  it.each([
    "localhost",
    "localhost:1",
    "127.0.0.1",
    "127.1.2.3:80",
    "[::1]:80",
    "LOCALHOST",
    "fleet.example:443",
  ])("may be %s", async (host) => {
    expect((await echo({}, { host })).status).toBe(200);
  });

  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "localhost@evil.example",
    "10.0.0.1",
    "[::2]",
  ])("may not be %s", async (host) => {
    const { status, body } = await echo({}, { host });
    expect(status).toBe(403);
    expect(body.error.code).toBe("forbidden");
    expect(body.error.message).toContain(host);
  });

  it("may not be missing", async () => {
    const answer = await raw("GET /open HTTP/1.0\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('"code":"forbidden"');
  });
});

describe("Origin", () => {
  it("may be the server's own", async () => {
    expect((await echo({}, { origin })).status).toBe(200);
  });

  it.each(["http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:1", "http://localhost:1"])(
    "may not be %s",
    async (foreign) => {
      const { status, body } = await echo({}, { origin: foreign });
      expect(status).toBe(403);
      expect(body.error.code).toBe("forbidden");
      expect(body.error.message).toContain(foreign);
    },
  );

  it("is refused on an open path too", async () => {
    const headers = { origin: "http://evil.example" };
    expect((await client.call("GET", `${origin}/open`, { headers })).status).toBe(403);
  });
});

describe("a body", () => {
  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "nonsense",
    "",
  ])("of type %j is refused", async (type) => {
    const { status, body } = await echo('{"a":1}', { "content-type": type });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(body.error.message).toContain("application/json");
  });

  it("may name its charset", async () => {
    expect((await echo('{"ä":1}', { "content-type": "application/json; charset=utf-8" })).body).toEqual({
      got: { ä: 1 },
    });
  });

  it("may be absent", async () => {
    expect((await echo()).body).toEqual({ got: null });
  });

  it.each(["{", '{"a":1', "[1,]", "", "\u0000", "{'a':1}"])(
    "of broken JSON %j is refused",
    async (broken) => {
      const { status, body } = await echo(broken, { "content-type": "application/json" });
      expect(status).toBe(400);
      expect(body.error.code).toBe("bad_request");
    },
  );

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"a":[{"__proto__":1}]}',
    '{"constructor":{"prototype":{"a":1}}}',
  ])("with the key of a prototype, %s, is refused", async (poisoned) => {
    const { status, body } = await echo(poisoned);
    expect(status).toBe(400);
    expect(body.error.message).toContain("prototype");
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  it.each([1_100, 20_000_000])("of %d bytes is too large, and the sender is told so", async (size) => {
    const { status, body } = await echo("x".repeat(size), { "content-type": "application/json" });
    expect(status).toBe(413);
    expect(body.error).toMatchObject({ code: "payload_too_large", delivery: "not_sent" });
  });

  it("that grows too large without having said so is refused as well", async () => {
    const chunk = `${(600).toString(16)}\r\n${"x".repeat(600)}\r\n`;
    const answer = await raw(
      `POST /echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe("what is no proper request", () => {
  it("is answered in the envelope of every error", async () => {
    const answer = await raw("this is not HTTP\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "").error.code).toBe("bad_request");
  });

  it("is said to have too long headers when it has", async () => {
    const answer = await raw(`GET /open HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(answer).toContain("The headers are larger than this server takes.");
  });

  it("for a path that nobody answers names it", async () => {
    const { status, body } = await client.call("PUT", `${origin}/nowhere?a=b`, { headers: KEY });
    expect(status).toBe(404);
    expect(body.error).toMatchObject({ code: "bad_request", message: "Nothing answers PUT /nowhere here." });
  });

  it("for a path that cannot be decoded is a bad request", async () => {
    const answer = await raw("GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad_request"');
  });
});

it("leaves one line a request in the log, without its query or its key", async () => {
  await client.call("GET", `${origin}/open?secret=1`, { headers: KEY });
  await expect.poll(() => log.lines).toHaveLength(1);
  expect(log.lines[0]).toMatchObject({
    level: "debug",
    facts: { method: "GET", path: "/open", status: 200 },
  });
  expect(JSON.stringify(log.lines)).not.toMatch(/secret|right/);
});

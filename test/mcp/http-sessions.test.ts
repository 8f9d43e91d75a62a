import { describe, expect, it } from "vitest";
import { onEnd } from "../host/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { call } from "./harness.ts";
import { ask, beginSession, connectTo, oldCall, open, startMcp } from "./http-harness.ts";

const health = oldCall(1, "health");

describe("a session of an older revision", () => {
  it("is not found when it is unknown, and a new one is begun", async () => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp);
    const { status, messages } = await ask(mcp, asked(health, { "mcp-session-id": "another" }));
    expect([status, messages[0].id]).toEqual([404, 1]);
    expect(messages[0].error.message).toMatch(/^Session not found: .* Initialize a new one\.$/);
    expect((await ask(mcp, asked(health))).status).toBe(200);
  });

  it("ends when its client says so", async () => {
    const { mcp } = await startMcp();
    const { client, transport } = await connectTo(mcp);
    await call(client, "health");
    const id = transport.sessionId as string;
    await transport.terminateSession();
    expect(transport.sessionId).toBeUndefined();
    const headers = { "mcp-session-id": id };
    expect((await ask(mcp, { body: { jsonrpc: "2.0", ...health }, headers })).status).toBe(404);
  });

  it("is lost with its server, which the client is told", async () => {
    const first = await startMcp();
    const { client, transport } = await connectTo(first.mcp);
    await first.served.close();
    const second = await startMcp(1, { port: Number(new URL(first.mcp).port) });
    await expect(call(client, "health")).rejects.toThrow(/Session not found/);
    const again = await connectTo(second.mcp);
    expect(again.transport.sessionId).not.toBe(transport.sessionId);
    expect((await call(again.client, "health")).isError).toBe(false);
  });

  it("streams to one client at a time, and says so at once", async () => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp);
    const { headers } = asked({});
    const stream = await open(mcp, { method: "GET", ...(headers && { headers }) });
    expect([stream.statusCode, stream.headers["content-type"]]).toEqual([200, "text/event-stream"]);
    expect((await ask(mcp, { method: "GET", ...(headers && { headers }) })).status).toBe(409);
    stream.body.on("error", () => {}).destroy();
  });

  it("ends after twelve hours in which nobody used it", async () => {
    const sessionClock = fakeClock();
    const { mcp } = await startMcp(1, { sessionClock });
    const { asked } = await beginSession(mcp);
    const hours = 3_600_000;
    await expect.poll(() => sessionClock.due).toEqual([12 * hours]);
    await sessionClock.advance(11 * hours);
    expect((await ask(mcp, asked(health))).status).toBe(200);
    await expect.poll(() => sessionClock.due).toEqual([12 * hours]);
    const { headers } = asked({});
    const stream = await open(mcp, { method: "GET", ...(headers && { headers }) });
    await sessionClock.advance(24 * hours);
    // A client that listens is one that uses it.
    expect((await ask(mcp, asked(health))).status).toBe(200);
    stream.body.on("error", () => {}).destroy();
    await expect.poll(() => sessionClock.due).toEqual([12 * hours]);
    await sessionClock.advance(12 * hours);
    expect((await ask(mcp, asked(health))).status).toBe(404);
  });

  it("makes room for another one when its client has too many and used it least", async () => {
    const { mcp } = await startMcp(1, { sessions: 2 });
    const [first, second] = [await beginSession(mcp), await beginSession(mcp)];
    // Whoever answered has not yet noted that the answer is out.
    await expect.poll(async () => (await ask(mcp, first.asked(health))).status).toBe(200);
    const third = await beginSession(mcp);
    const status = async ({ asked }: typeof first) => (await ask(mcp, asked(health))).status;
    expect([await status(first), await status(second), await status(third)]).toEqual([200, 404, 200]);
  });

  it("is refused when all that its client has are in use", async () => {
    const { mcp } = await startMcp(1, { sessions: 1 });
    const { asked } = await beginSession(mcp);
    const { headers } = asked({});
    const stream = await open(mcp, { method: "GET", ...(headers && { headers }) });
    onEnd(async () => void stream.body.on("error", () => {}).destroy());
    const params = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "x", version: "1" },
    };
    const refused = await ask(mcp, { body: { jsonrpc: "2.0", id: 1, method: "initialize", params } });
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([503, "overloaded"]);
    expect((await ask(mcp, asked(health))).status).toBe(200);
  });

  it("is none where initializing fails", async () => {
    const { mcp } = await startMcp(1, { sessions: 1 });
    const params = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "x", version: "1" },
    };
    const body = { jsonrpc: "2.0", id: 1, method: "initialize", params };
    expect((await ask(mcp, { body, headers: { accept: "application/json" } })).status).toBe(406);
    expect((await ask(mcp, { body })).status).toBe(200);
  });
});

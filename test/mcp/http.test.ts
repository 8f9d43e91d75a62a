import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { onEnd } from "../host/harness.ts";
import { call } from "./harness.ts";
import {
  ask,
  beginSession,
  connectTo,
  modern,
  modernCall,
  oldCall,
  open,
  startMcp,
  streamed,
} from "./http-harness.ts";

const WORK = { instances: ["A"], payload: { job: 1 } };

describe("MCP over HTTP", () => {
  it("serves the official 1.x client, in a session", async () => {
    const fleet = await startMcp();
    fleet.finishAll();
    const { client, transport } = await connectTo(fleet.mcp);
    expect(transport.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await client.listTools()).tools).toHaveLength(13);
    expect((await call(client, "health")).structured.instances).toMatchObject([{ instance: "A" }]);
    const { text, structured } = await call(client, "delegate", WORK);
    expect(text).toContain("A answered");
    expect(structured.result).toEqual({ from: 0 });
    expect((await call(client, "runs_get", { runId: structured.runId })).structured).toMatchObject({
      createdBy: "mcp:test-client",
    });
  });

  it.each(["2025-11-25", "2025-06-18", "2025-03-26"])("serves revision %s", async (revision) => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp, { revision });
    const { status, messages } = await ask(mcp, asked({ id: 1, method: "tools/list" }));
    expect(status).toBe(200);
    expect(messages[0].result.tools).toHaveLength(13);
    const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: "x", version: "1" } };
    const answer = await ask(mcp, { body: { jsonrpc: "2.0", id: 1, method: "initialize", params } });
    expect(answer.messages[0].result.protocolVersion).toBe(revision);
  });

  it("serves revision 2026-07-28, each request by itself", async () => {
    const fleet = await startMcp();
    fleet.finishAll();
    const discovered = await ask(fleet.mcp, modern("server/discover"));
    expect(discovered.messages[0].result.supportedVersions).toContain("2026-07-28");
    expect(discovered.headers["mcp-session-id"]).toBeUndefined();
    const listed = await ask(fleet.mcp, modern("tools/list"));
    expect(listed.messages[0].result.tools).toHaveLength(13);
    const { status, headers, messages } = await ask(fleet.mcp, modernCall("delegate", WORK));
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(messages[0].result.structuredContent).toMatchObject({ instance: "A", result: { from: 0 } });
    const run = messages[0].result.structuredContent.runId;
    const { messages: read } = await ask(fleet.mcp, modernCall("runs_get", { runId: run }));
    expect(read[0].result.structuredContent.createdBy).toBe("mcp:modern");
  });

  it("refuses a request of 2026-07-28 whose headers and body differ", async () => {
    const { mcp } = await startMcp();
    const asked = modernCall("health");
    const { status, messages } = await ask(mcp, {
      ...asked,
      headers: { ...asked.headers, "mcp-name": "fanout" },
    });
    expect([status, messages[0].id]).toEqual([400, 1]);
    expect(messages[0].error.code).toBe(-32020);
    const unknown = modern("tools/list");
    const body = JSON.stringify(unknown.body).replace("2026-07-28", "2099-01-01");
    const later = await ask(mcp, {
      body,
      headers: { ...unknown.headers, "mcp-protocol-version": "2099-01-01" },
    });
    expect(later.status).toBe(400);
    expect(later.messages[0].error.data.supported).toContain("2026-07-28");
  });

  it("answers an older request that has no session by itself", async () => {
    const { mcp } = await startMcp();
    const { status, messages } = await ask(mcp, { body: { jsonrpc: "2.0", id: 7, method: "tools/list" } });
    expect([status, messages[0].id, messages[0].result.tools.length]).toEqual([200, 7, 13]);
    const stream = await ask(mcp, { method: "GET" });
    expect([stream.status, stream.headers.allow]).toEqual([405, "POST"]);
  });

  it("answers a batch of revision 2025-03-26", async () => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp, { revision: "2025-03-26" });
    const body = [
      { jsonrpc: "2.0", id: "a", method: "tools/list" },
      { jsonrpc: "2.0", ...oldCall("b", "health") },
    ];
    const { messages } = await ask(mcp, { ...asked({}), body });
    expect(messages.map(({ id }) => id).sort()).toEqual(["a", "b"]);
  });

  it("names the nearest tool and the wrong argument, in both eras", async () => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp);
    for (const request of [asked(oldCall(1, "delegat")), modernCall("delegat")]) {
      expect((await ask(mcp, request)).messages[0].error.message).toContain("Did you mean delegate?");
    }
    for (const request of [
      asked(oldCall(1, "delegate", { retris: 1 })),
      modernCall("delegate", { retris: 1 }),
    ]) {
      const { isError, content } = (await ask(mcp, request)).messages[0].result;
      expect(isError).toBe(true);
      expect(content[0].text).toMatch(/^bad_request: retris: no such field; did you mean retries\?/);
    }
  });

  it("tells of progress as it comes, before the answer", async () => {
    const fleet = await startMcp(3);
    const { asked } = await beginSession(fleet.mcp);
    const args = { targets: ["*"], payload: 1 };
    const requests = [asked(oldCall(1, "fanout", args, "p")), modernCall("fanout", args, { token: "p" })];
    for (const [round, request] of requests.entries()) {
      const response = open(fleet.mcp, request);
      await expect.poll(fleet.begun).toBe(3 * (round + 1));
      const finish = (at: number) => fleet.workers[at]?.tasks[round]?.finish(at);
      finish(2);
      const { headers, body } = await response;
      expect(headers["content-type"]).toBe("text/event-stream");
      const messages = streamed(body);
      const next = async () => (await messages.next()).value;
      expect((await next()).params).toMatchObject({
        progressToken: "p",
        progress: 1,
        total: 3,
        message: "C: done (1 of 3)",
      });
      finish(0);
      expect((await next()).params.message).toBe("A: done (2 of 3)");
      finish(1);
      expect((await next()).params.progress).toBe(3);
      expect((await next()).result.structuredContent.counts).toMatchObject({ total: 3, done: 3 });
      expect(await messages.next()).toEqual({ done: true, value: undefined });
    }
  });
});

describe("a fan-out to everybody", () => {
  const all = { targets: ["*"], payload: 1 };

  it("is asked about in the session of an older client, and goes on with its answer", async () => {
    const fleet = await startMcp(2, { engine: { settings: { confirmAbove: 1 } } });
    fleet.finishAll();
    const { client } = await connectTo(fleet.mcp, undefined, { elicitation: {} });
    const asked: string[] = [];
    let confirm = false;
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked.push(params.message);
      return { action: "accept" as const, content: { confirm } };
    });
    expect((await call(client, "fanout", all)).text).toMatch(/^cancelled: Nothing was sent/);
    expect(fleet.begun()).toBe(0);
    confirm = true;
    expect((await call(client, "fanout", all)).structured.counts.done).toBe(2);
    expect(asked[1]).toMatch(/^"\*" picks 2 instances\. Are all meant\?/);
  });

  it("is an argument where the client cannot ask", async () => {
    const fleet = await startMcp(2, { engine: { settings: { confirmAbove: 1 } } });
    fleet.finishAll();
    const refused = (await ask(fleet.mcp, modernCall("fanout", all))).messages[0].result;
    expect(refused.content[0].text).toContain("confirmed: true");
    const sent = await ask(fleet.mcp, modernCall("fanout", { ...all, confirmed: true }));
    expect(sent.messages[0].result.structuredContent.counts.done).toBe(2);
  });
});

describe("fewer tools", () => {
  it("are all that is listed and called, in both eras", async () => {
    const { mcp } = await startMcp(1, { choice: { readOnly: true } });
    const { asked } = await beginSession(mcp);
    for (const request of [asked({ id: 1, method: "tools/list" }), modern("tools/list")]) {
      const { tools } = (await ask(mcp, request)).messages[0].result;
      expect(tools.map(({ name }: { name: string }) => name)).toContain("health");
      expect(tools.length).toBeLessThan(8);
    }
    expect((await ask(mcp, modernCall("delegate", WORK))).messages[0].error.message).toMatch(
      /no tool delegate/,
    );
  });
});

describe("a slow reader", () => {
  it("gets all of a large answer, and keeps nobody else waiting", async () => {
    const { mcp } = await startMcp();
    const { asked } = await beginSession(mcp);
    const body = JSON.stringify(
      Array.from({ length: 100 }, (_, id) => ({ jsonrpc: "2.0", id, method: "tools/list" })),
    );
    const { port } = new URL(mcp);
    const socket = connectSocket(Number(port), "127.0.0.1").setEncoding("utf8").pause();
    onEnd(async () => socket.destroy());
    const headers = {
      ...asked({}).headers,
      host: `127.0.0.1:${port}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "content-length": body.length,
      connection: "close",
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
    for (let n = 0; n < 5; n++) expect((await ask(mcp, modernCall("health"))).status).toBe(200);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    await once(socket.resume(), "end");
    expect(text).toMatch(/^HTTP\/1.1 200 OK/);
    expect(text.match(/"id":\d+/g)).toHaveLength(100);
    expect(text.length).toBeGreaterThan(1_000_000);
  });
});

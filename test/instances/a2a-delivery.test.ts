import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { Fault } from "../support/fault-server.ts";
import { begin, flood, gibberish, hang, hangUp, reset, respond, unframed } from "../support/faults.ts";
import { agentFor, clientOf, consoleError, ended, events, faultyAgent, rpc, task } from "./a2a-harness.ts";
import { call, errorOf, facts } from "./harness.ts";

const work = call({ payload: "do it" });
const quick = { settings: { idleTimeoutMs: 200 } };
const WAYS = [
  { binding: "JSONRPC", streaming: false },
  { binding: "JSONRPC", streaming: true },
  { binding: "HTTP+JSON", streaming: false },
  { binding: "HTTP+JSON", streaming: true },
] as const;

describe.each(WAYS)("over $binding, streaming: $streaming", (way) => {
  it.each<[string, Fault, string, object]>([
    [
      "a redirect",
      respond({ status: 307, headers: { location: "/x" } }),
      "not_sent none instance_error",
      { again: "later" },
    ],
    ["400", respond({ status: 400, body: "no" }), "not_sent none bad_request", { again: "never" }],
    ["404", respond({ status: 404 }), "not_sent none instance_error", { again: "never" }],
    [
      "401",
      respond({ status: 401, body: { error: "no" } }),
      "not_sent none instance_unauthorized",
      { again: "never" },
    ],
    ["403", respond({ status: 403 }), "not_sent none instance_unauthorized", { again: "never" }],
    [
      "429",
      respond({ status: 429, headers: { "retry-after": "7" } }),
      "not_sent none rate_limited",
      { again: "later", retryAfterMs: 7_000 },
    ],
    ["408", respond({ status: 408 }), "unknown none timeout", {}],
    ["409", respond({ status: 409 }), "unknown none instance_error", {}],
    ["500", respond({ status: 500, body: { error: { message: "no" } } }), "unknown none instance_error", {}],
    ["a bare 503", respond({ status: 503 }), "unknown none instance_down", {}],
    ["a reset", reset, "unknown none instance_down", {}],
    ["a hang-up", hangUp, "unknown none instance_down", {}],
    ["what is not HTTP", gibberish("220 mail\r\n"), "unknown none instance_error", {}],
    ["silence", hang, "unknown none timeout", {}],
    ["a body that is lost", begin('{"jsonrpc":"2.0","id":1,', reset), "accepted none instance_down", {}],
    ["a body that stops", begin('{"jsonrpc":"2.0","id":1,', hang), "accepted none timeout", {}],
    ["a body that is cut off", unframed('{"jsonrpc":"2.0","id":1,'), "accepted none instance_error", {}],
    [
      "HTML",
      respond({ headers: { "content-type": "text/html" }, body: "<html>" }),
      "accepted none instance_error",
      {},
    ],
    ["nothing", respond({ body: "" }), "accepted none instance_error", {}],
    ["204", respond({ status: 204 }), "accepted none instance_error", {}],
    ["other JSON", respond({ body: { ok: true } }), "accepted none instance_error", {}],
    ["a list", respond({ body: [1] }), "accepted none instance_error", {}],
    ["too large a body", flood(2_000_000), "accepted failed payload_too_large", {}],
  ])("%s", async (_what, fault, told, more) => {
    const limits = { bodyLimit: 1_000_000, bodyTimeMs: 3_000 };
    const { server, client, asked } = await faultyAgent({ ...way, ...quick, limits });
    server.play(fault);
    const answer = await client.send(work);
    expect(facts(answer)).toBe(told);
    expect(answer).toMatchObject({ error: { instance: "A" }, ...more });
    expect(asked()).toHaveLength(1);
  });

  it("a refused connection", async () => {
    const { server, client, asked } = await faultyAgent(way);
    await client.tags?.();
    await server.down();
    const answer = await client.send(work);
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(errorOf(answer)?.message).toBe("A: connection refused.");
    await server.up();
    expect(asked()).toEqual([]);
  });

  it("what is given up while nothing has come", async () => {
    const { server, client, asked } = await faultyAgent(way);
    server.play(hang);
    const cancellation = new Cancellation();
    const sending = client.send(call({ payload: "x", cancellation }));
    await expect.poll(asked).toHaveLength(1);
    cancellation.cancel();
    expect(facts(await sending)).toBe("unknown none cancelled");
  });

  it("what is given up before it is sent", async () => {
    const { client, asked } = await faultyAgent(way);
    const cancellation = new Cancellation();
    cancellation.cancel();
    expect(facts(await client.send(call({ payload: "x", cancellation })))).toBe("not_sent none cancelled");
    expect(asked()).toEqual([]);
  });
});

describe("an error of JSON-RPC in a 200", () => {
  const ERRORS: [number, string, string][] = [
    [-32_700, "Parse error", "not_sent none instance_error"],
    [-32_600, "Invalid Request", "not_sent none instance_error"],
    [-32_601, "Method not found", "not_sent none instance_error"],
    // Agents say so, too, when the work has come to nothing.
    [-32_602, "Execution finished before a message or task was produced.", "accepted failed bad_request"],
    [-32_603, "Internal error: rate limit of the model exceeded", "accepted failed instance_error"],
    [-32_001, "Task not found", "not_sent none instance_error"],
    [-32_004, "Unsupported operation", "not_sent none instance_error"],
    [-32_005, "Incompatible content types", "not_sent none bad_request"],
    [-32_006, "Invalid agent response", "accepted failed instance_error"],
    [-32_008, "Extension support required", "not_sent none instance_error"],
    [-32_009, "Version not supported", "not_sent none instance_error"],
    [-32_000, "Peer is rate limited", "not_sent none rate_limited"],
    [-32_029, "Too many requests", "not_sent none rate_limited"],
    [-32_000, "Something else", "accepted failed instance_error"],
    [7, "rate limited", "accepted failed instance_error"],
  ];
  it.each(ERRORS)("%i %s", async (code, message, told) => {
    const { server, client } = await faultyAgent();
    server.play(rpc({ error: { code, message } }));
    const answer = await client.send(work);
    expect(facts(answer)).toBe(told);
    expect(errorOf(answer)?.message).toContain(message);
  });

  it("that limits the rate says when to come again", async () => {
    const { server, client } = await faultyAgent();
    const error = { code: -32_000, message: "Peer is rate limited" };
    server.play(rpc({ error }), rpc({ error }, { headers: { "retry-after": "3" } }));
    expect(await client.send(work)).toMatchObject({ again: "later", retryAfterMs: 10_000 });
    expect(await client.send(work)).toMatchObject({ again: "later", retryAfterMs: 3_000 });
  });

  it.each([-32_601, -32_004])("%i to a stream has it sent without one, under another id", async (code) => {
    const { server, client, asked } = await faultyAgent({ streaming: true });
    const done = rpc({
      result: { task: task("COMPLETED", { artifacts: [{ artifactId: "a", parts: [{ text: "hi" }] }] }) },
    });
    server.play(rpc({ error: { code, message: "only SendMessage and GetTask" } }), done);
    expect(await client.send(work)).toMatchObject({ reply: "done", result: "hi" });
    expect(await client.send(work)).toMatchObject({ reply: "done", result: "hi" });
    const sent = asked().map(({ body }) => JSON.parse(body));
    expect(sent.map(({ method }) => method)).toEqual(["SendStreamingMessage", "SendMessage", "SendMessage"]);
    expect(new Set(sent.map(({ params }) => params.message.messageId)).size).toBe(3);
    expect(client.capabilities.streaming).toBe(false);
  });
});

describe("a stream", () => {
  const working = { result: { task: task("WORKING") } };

  it.each<[string, Fault, string]>([
    ["is reset", reset, "instance_down"],
    ["falls silent", hang, "timeout"],
    [
      "is no JSON all at once",
      (socket) => socket.write("d\r\ndata: secret\n\r\n1\r\n\n\r\n"),
      "instance_error",
    ],
  ])("that %s after the task was named: it is asked for", async (_how, then, code) => {
    const { server, client } = await faultyAgent({ streaming: true, ...quick });
    server.play(events([working], then));
    const answer = await client.send(work);
    expect(facts(answer)).toBe(`accepted pending ${code}`);
    expect(answer).toMatchObject({ taskId: "t-1", remoteId: "c-1" });
    expect(consoleError).not.toHaveBeenCalled();
  });

  it("that ends before the task does: it is asked for", async () => {
    const { server, client } = await faultyAgent({ streaming: true });
    server.play(events([working], ended));
    expect(await client.send(work)).toEqual({
      delivery: "accepted",
      reply: "pending",
      taskId: "t-1",
      remoteId: "c-1",
    });
  });

  it("that tells of an error after the task was named: it is asked for", async () => {
    const { server, client } = await faultyAgent({ streaming: true });
    server.play(events([working, { error: { code: -32_601, message: "oh" } }], ended));
    expect(await client.send(work)).toMatchObject({ delivery: "accepted", reply: "pending", taskId: "t-1" });
  });

  it.each<[string, unknown[], string]>([
    ["without a word", [], "accepted none instance_error"],
    ["with no JSON", ["hello"], "accepted none instance_error"],
    [
      "with an error that refuses",
      [{ error: { code: -32_005, message: "no" } }],
      "not_sent none bad_request",
    ],
    ["with another error", [{ error: { code: -32_603, message: "no" } }], "accepted failed instance_error"],
    ["with the answer to another request", [{ id: 99, ...working }], "accepted none instance_error"],
  ])("that ends %s", async (_how, datas, told) => {
    const { server, client } = await faultyAgent({ streaming: true });
    server.play(events(datas, ended));
    expect(facts(await client.send(work))).toBe(told);
  });

  it("over HTTP+JSON whose events are no JSON is never logged", async () => {
    const { server, client } = await faultyAgent({ streaming: true, binding: "HTTP+JSON" });
    server.play(events(["not for the log"], ended));
    expect(facts(await client.send(work))).toBe("accepted none instance_error");
    expect(consoleError).not.toHaveBeenCalled();
  });

  it("is let go of once the task has ended, though the agent keeps it open", async () => {
    const { server, client } = await faultyAgent({ streaming: true });
    const closed = new Promise<void>((resolve) => {
      server.play((socket, request) => {
        socket.on("close", () => resolve());
        events([{ result: { task: task("AUTH_REQUIRED") } }])(socket, request);
      });
    });
    expect(await client.send(work)).toMatchObject({ reply: "done", result: { asksFor: "auth" } });
    await closed;
  });
});

describe("a key", () => {
  const credential = { from: "env", name: "A_KEY" } as const;

  it("that is refused is quoted nowhere, and is not sent again", async () => {
    const agent = await agentFor({ token: "right", skills: [] });
    const client = clientOf(agent.url, { credential, env: { A_KEY: "wrong-key" } });
    const answer = await client.send(work);
    expect(facts(answer)).toBe("not_sent none instance_unauthorized");
    expect(errorOf(answer)?.message).toBe("A answered HTTP 401: Unauthorized: Bearer [key] will not do");
    expect(errorOf(answer)?.action).toContain("A_KEY");
    const before = agent.requests.length;
    expect(facts(await client.send(work))).toBe("not_sent none instance_unauthorized");
    expect(await client.check(20_000)).toMatchObject({ state: "degraded" });
    expect(agent.requests).toHaveLength(before);
    expect(agent.heard).toEqual([]);
  });

  it("that is right goes with every request", async () => {
    const agent = await agentFor({ token: "right" });
    const client = clientOf(agent.url, { credential, env: { A_KEY: "right" } });
    expect(await client.send(work)).toMatchObject({ reply: "done" });
    expect(await client.check(20_000)).toMatchObject({ state: "healthy" });
    expect(new Set(agent.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer right"]),
    );
  });

  it("is not quoted from an error in a 200 either", async () => {
    const { server, client } = await faultyAgent({ credential, env: { A_KEY: "s3cret-key" } });
    server.play(rpc({ error: { code: -32_603, message: "Bearer s3cret-key broke it" } }));
    expect(errorOf(await client.send(work))?.message).toBe("A: Bearer [key] broke it");
    server.play(rpc({ error: { code: -32_000, message: "rate limit of s3cret-key" } }));
    expect(await client.check(20_000)).toMatchObject({
      state: "degraded",
      reason: "is rate limited: rate limit of [key]",
    });
  });
});

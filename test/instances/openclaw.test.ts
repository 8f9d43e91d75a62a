import { afterEach, describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { InstanceSettings } from "../../src/core/instance.ts";
import type { Call, WorkProgress } from "../../src/core/ports.ts";
import { type Fault, faultServer } from "../support/fault-server.ts";
import { hang, hangUp, reset, respond } from "../support/faults.ts";
import { type GatewayServer, type GatewayServerOptions, gatewayServer } from "../support/gateway-server.ts";
import { call, clientsFor, closedPort, errorOf, facts, instanceAt } from "./harness.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function started(options?: GatewayServerOptions): Promise<GatewayServer> {
  const server = await gatewayServer({ token: "right", ...options });
  ends.push(() => server.close());
  return server;
}

function clientOf(url: string, settings: InstanceSettings = {}, env = { TOKEN: "right" }) {
  const credential = { from: "env", name: "TOKEN" } as const;
  const client = clientsFor({ env }).of(instanceAt(url, { protocol: "openclaw", settings, credential }));
  const send = (payload: Call["payload"], more: Partial<Call> = {}) =>
    client.send(call({ payload, ...more }));
  return { client, send, env };
}

async function gateway(options: GatewayServerOptions = {}, settings: InstanceSettings = {}) {
  const server = await started(options);
  return { server, ...clientOf(server.url, settings) };
}

/** A server that does one thing to every request. */
async function faulty(fault: Fault, settings: InstanceSettings = {}) {
  const server = await faultServer();
  server.play(fault);
  ends.push(() => server.close());
  return { server, ...clientOf(server.url, settings) };
}

const opening = { sessionId: "s", epoch: 1, cancellation: new Cancellation() };

describe("a task", () => {
  it("is a streamed run of the default agent: its text, its usage and its progress", async () => {
    const { send, server } = await gateway();
    const seen: WorkProgress[] = [];
    expect(await send({ message: "say é" }, { onProgress: (progress) => seen.push(progress) })).toEqual({
      delivery: "accepted",
      reply: "done",
      result: "turn 1: say é",
      usage: { inputTokens: 10, outputTokens: 4, totalTokens: 14 },
    });
    expect(seen.at(-1)).toEqual({ chars: "turn 1: say é".length });
    expect(server.runs).toMatchObject([
      {
        body: { model: "openclaw", stream: true, messages: [{ role: "user", content: "say é" }] },
        headers: { authorization: "Bearer right" },
      },
    ]);
    expect(server.runs[0]?.headers).not.toHaveProperty("x-openclaw-session-key");
  });

  it("goes to the agent and the model that are configured, with a system prompt and a template", async () => {
    const { send, server } = await gateway(
      { agents: ["main", "ops"] },
      { agent: "ops", model: "local/big", system: "be short", template: "Now: {{prompt}}" },
    );
    expect(await send({ a: 1 })).toMatchObject({ result: 'turn 1: Now: {"a":1}' });
    expect(server.runs).toMatchObject([
      {
        body: {
          model: "openclaw/ops",
          messages: [
            { role: "system", content: "be short" },
            { role: "user", content: 'Now: {"a":1}' },
          ],
        },
        headers: { "x-openclaw-agent-id": "ops", "x-openclaw-model": "local/big" },
      },
    ]);
  });

  it.each<[string, string, string | undefined]>([
    ["fail upstream", "accepted failed instance_error", "A: the agent's run failed: upstream provider error"],
    ["please fail midway", "accepted failed instance_error", "A: the agent's run failed: 429 told to fail"],
    ["crash early", "accepted failed instance_error", "A: the agent's run failed: internal error"],
    ["please break off", "accepted none instance_down", undefined],
  ])("%s: once the stream has begun, it is accepted", async (payload, expected, message) => {
    const { send } = await gateway();
    const answer = await send(payload);
    expect(facts(answer)).toBe(expected);
    if (message !== undefined) expect(errorOf(answer)?.message).toBe(message);
  });

  it("may be silent for as long as it likes, unless told otherwise", async () => {
    const patient = await gateway();
    const cancellation = new Cancellation();
    const silent = patient.send("now fall silent", { cancellation });
    const { send } = clientOf(patient.server.url, { idleTimeoutMs: 150 });
    expect(facts(await send("now fall silent"))).toBe("accepted none timeout");
    await expect.poll(() => patient.server.runs.map(({ left }) => left)).toEqual([false, true]);
    cancellation.cancel(new OrchestratorError("cancelled", "enough"));
    expect(facts(await silent)).toBe("accepted cancelled cancelled");
  });

  it("is stopped by closing its connection", async () => {
    const { client, send, server } = await gateway();
    const cancellation = new Cancellation();
    const answer = await send(`go slowly ${"word ".repeat(200)}`, {
      cancellation,
      onProgress: () => cancellation.cancel(new OrchestratorError("cancelled", "enough")),
    });
    expect(facts(answer)).toBe("accepted cancelled cancelled");
    await expect.poll(() => server.runs[0]?.left).toBe(true);
    expect(await client.cancel({ key: "k" })).toEqual({ known: "disconnected" });
  });

  it("cannot be asked about", async () => {
    const { client, server } = await gateway();
    const asked = await client.ask({ key: "k" }, { waitMs: 0, cancellation: new Cancellation() });
    expect(asked).toMatchObject({ delivery: "unknown", reply: "none" });
    expect(server.paths).toEqual([]);
    expect(client.capabilities).toMatchObject({ idempotency: false, async: false, cancel: true });
  });
});

describe("a refusal", () => {
  it("for want of chat completions names the setting", async () => {
    const { send, client } = await gateway({ chat: false });
    const answer = await send("x");
    expect(facts(answer)).toBe("not_sent none instance_error");
    expect(answer).toMatchObject({ again: "never" });
    const { message, action } = errorOf(answer) ?? {};
    expect(message).toMatch(/^A answered HTTP 404: no chat completions there/);
    expect(action).toContain("gateway.http.endpoints.chatCompletions.enabled");
    await expect(client.openSession(opening)).rejects.toMatchObject({ action });
  });

  it("while it drains lets others do the work, or itself later", async () => {
    const { send, server } = await gateway();
    server.draining = true;
    const answer = await send("x");
    expect(facts(answer)).toBe("not_sent none draining");
    expect(answer).toMatchObject({ again: "later", retryAfterMs: 1_000 });
  });

  it("of a key is not repeated: ten of them would lock us out", async () => {
    const { send, env, server, client } = await gateway();
    env.TOKEN = "wrong-token";
    for (const _ of [1, 2, 3]) {
      const answer = await send("x");
      expect(facts(answer)).toBe("not_sent none instance_unauthorized");
      expect(errorOf(answer)?.message).not.toContain("wrong-token");
    }
    expect(await client.check(1_000)).toMatchObject({ state: "degraded" });
    await expect(client.openSession(opening)).rejects.toMatchObject({ code: "instance_unauthorized" });
    expect(server.refused).toBe(1);
    env.TOKEN = "right";
    expect(await send("x")).toMatchObject({ reply: "done" });
  });

  it("of everybody, after ten bad keys, says when to come again", async () => {
    const { send, server } = await gateway();
    server.refused = 10;
    const answer = await send("x");
    expect(facts(answer)).toBe("not_sent none rate_limited");
    expect(answer).toMatchObject({ again: "later", retryAfterMs: 300_000 });
  });

  it("of an agent that it does not have, and of an empty prompt", async () => {
    const { send, server } = await gateway({}, { agent: "nobody" });
    const answer = await send("x");
    expect(facts(answer)).toBe("not_sent none bad_request");
    expect(errorOf(answer)).toMatchObject({
      message: "A answered HTTP 400: Unknown agent 'nobody'.",
      action: "Correct fleet.A.agent in the configuration.",
    });
    const requests = server.paths.length;
    expect(facts(await send({ message: " " }))).toBe("not_sent none bad_request");
    expect(server.paths).toHaveLength(requests);
  });

  it("by nobody: there is no connection", async () => {
    const { send } = clientOf(`http://127.0.0.1:${await closedPort()}`);
    expect(await send("x")).toMatchObject({ delivery: "not_sent", unreachable: true });
  });
});

describe("what leaves open whether a run was begun", () => {
  const other503 = { error: { message: "busy", type: "overloaded_error" } };

  it.each<[string, Fault, string]>([
    ["a reset", reset, "unknown none instance_down"],
    ["a connection closed without an answer", hangUp, "unknown none instance_down"],
    ["no answer in time", hang, "unknown none timeout"],
    ["a bare 503", respond({ status: 503 }), "unknown none instance_down"],
    ["another 503", respond({ status: 503, body: other503 }), "unknown none instance_down"],
    [
      "a 500",
      respond({ status: 500, body: { error: { message: "internal error", type: "api_error" } } }),
      "unknown none instance_error",
    ],
    ["a 502 of a proxy", respond({ status: 502, body: "<html></html>" }), "unknown none instance_error"],
    ["a 408", respond({ status: 408 }), "unknown none timeout"],
  ])("%s", async (_what, fault, expected) => {
    const { send, server } = await faulty(fault, { idleTimeoutMs: 150 });
    expect(facts(await send("x"))).toBe(expected);
    expect(server.requests).toHaveLength(1);
  });

  it("a 2xx of something else is accepted, and no answer", async () => {
    const { send } = await faulty(respond({ body: "<html>log in</html>" }));
    expect(facts(await send("x"))).toBe("accepted failed instance_error");
  });
});

describe("health", () => {
  it.each<[string, string[], object]>([
    ["ready", [], { state: "healthy", reason: "answered ready (HTTP 200)" }],
    ["draining", ["gateway-draining"], { state: "draining", reason: "answered draining (HTTP 503)" }],
    [
      "anything else",
      ["startup-sidecars", "telegram"],
      { state: "degraded", reason: "is not ready: startup-sidecars, telegram (HTTP 503)" },
    ],
  ])("%s", async (_what, failing, expected) => {
    const { client, server } = await gateway();
    server.failing = failing;
    expect(await client.check(1_000)).toMatchObject(expected);
    expect(server.paths).toEqual(["GET /readyz"]);
  });

  it.each<[string, Fault, string, string]>([
    [
      "not ready, to a stranger",
      respond({ status: 503, body: { ready: false } }),
      "degraded",
      "is not ready (HTTP 503)",
    ],
    ["a bare 503", respond({ status: 503 }), "degraded", "answered HTTP 503, with something else"],
    ["something else", respond({ body: "<html></html>" }), "down", "answered HTTP 200, with something else"],
    ["no such path", respond({ status: 404 }), "down", "answered HTTP 404, with something else"],
    ["a reset", reset, "down", "the connection broke after the request was sent"],
    ["silence", hang, "down", "no answer within 100 ms"],
  ])("%s", async (_what, fault, state, reason) => {
    const { client } = await faulty(fault);
    const probe = await client.check(100);
    expect(probe.state).toBe(state);
    expect(probe.reason).toContain(reason);
  });
});

describe("a session", () => {
  it("has a random key of ours, and the gateway keeps it", async () => {
    const { client, server } = await gateway();
    const { remoteId } = await client.openSession(opening);
    expect(remoteId).toMatch(/^orchestrator-[0-9a-f-]{36}$/);
    expect(server.runs).toEqual([]);
    const history = [{ data: "one", result: "turn 1: one" }];
    expect(await client.message(remoteId, 1, 1, call({ payload: "one", history: [] }))).toMatchObject({
      result: "turn 1: one",
    });
    expect(await client.message(remoteId, 1, 2, call({ payload: "two", history }))).toMatchObject({
      result: "turn 2: two",
    });
    expect([...server.sessions]).toEqual([[remoteId, ["one", "two"]]]);
    await client.closeSession(remoteId);
  });

  it("of an earlier owner is told to the gateway with its first message, until that is answered", async () => {
    const { client, server } = await gateway({}, { template: "Now: {{prompt}}" });
    const history = [
      { data: "one", result: "first" },
      { data: { message: "two" }, result: { n: 2 } },
    ];
    const { remoteId } = await client.openSession({ ...opening, epoch: 2, history });
    const told = [
      { role: "user", content: "Now: one" },
      { role: "assistant", content: "first" },
      { role: "user", content: "Now: two" },
      { role: "assistant", content: '{"n":2}' },
    ];
    const first = await client.message(remoteId, 2, 3, call({ payload: "fail upstream", history }));
    expect(facts(first)).toBe("accepted failed instance_error");
    await client.message(remoteId, 2, 4, call({ payload: "three", history }));
    const later = [...history, { data: "three", result: "turn 3: three" }];
    await client.message(remoteId, 2, 5, call({ payload: "four", history: later }));
    expect(server.runs.map(({ body }) => body.messages)).toEqual([
      [...told, { role: "user", content: "Now: fail upstream" }],
      [...told, { role: "user", content: "Now: three" }],
      [{ role: "user", content: "Now: four" }],
    ]);
  });

  it("is not opened where there is no such agent, nobody, or something else", async () => {
    const { client } = await gateway({ agents: ["main", "ops"] }, { agent: "nobody" });
    await expect(client.openSession(opening)).rejects.toMatchObject({
      code: "bad_request",
      message: "A has no agent nobody, but default, main, ops.",
      action: "Correct fleet.A.agent in the configuration.",
    });
    const dead = clientOf(`http://127.0.0.1:${await closedPort()}`);
    await expect(dead.client.openSession(opening)).rejects.toMatchObject({ code: "instance_down" });
    const other = await faulty(respond({ body: { ok: true } }));
    await expect(other.client.openSession(opening)).rejects.toMatchObject({ code: "instance_error" });
  });

  it("is not opened while the gateway drains", async () => {
    const { client, server } = await gateway();
    server.draining = true;
    await expect(client.openSession(opening)).rejects.toMatchObject({
      code: "draining",
      delivery: "not_sent",
    });
  });
});

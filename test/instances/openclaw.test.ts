import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { WorkProgress } from "../../src/core/ports.ts";
import type { Fault } from "../support/fault-server.ts";
import { hang, hangUp, reset, respond } from "../support/faults.ts";
import { closedPort, errorOf, facts } from "./harness.ts";
import { clientOf, faulty, gateway } from "./openclaw-harness.ts";

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
      action: "Set fleet.A.agent in the configuration to an agent that the gateway has.",
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

import { afterEach, describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { InstanceSettings } from "../../src/core/instance.ts";
import type { Answer, Call, WorkProgress } from "../../src/core/ports.ts";
import { type ModelServer, type ModelServerOptions, modelServer } from "../support/model-server.ts";
import { call, clientsFor, closedPort, instanceAt } from "./harness.ts";

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function model(options: ModelServerOptions = {}, settings: InstanceSettings = {}) {
  const server = await modelServer(options);
  servers.push(server);
  const env = { KEY: "right" };
  const instance = instanceAt(server.url, {
    protocol: "openai",
    settings: { model: "reckoner", ...settings },
    ...(options.apiKey && { credential: { from: "env", name: "KEY" } }),
  });
  const client = clientsFor({ env }).of(instance);
  const send = (payload: Call["payload"], more: Partial<Call> = {}) =>
    client.send(call({ payload, ...more }));
  return { server, client, send, env, instance };
}

function errorOf(answer: Answer): OrchestratorError {
  if ("error" in answer && answer.error) return answer.error;
  throw new Error(`no error in ${JSON.stringify(answer)}`);
}

describe.each(["chat", "responses"] as const)("a task over %s", (api) => {
  it("is answered with the model's text, its usage and its progress", async () => {
    const { send, server } = await model({}, { api, system: "short" });
    const seen: WorkProgress[] = [];
    const answer = await send("say é 世界", { onProgress: (progress) => seen.push(progress) });
    expect(answer).toEqual({
      delivery: "accepted",
      reply: "done",
      result: "[short] turn 1: say é 世界",
      usage: { inputTokens: 12, outputTokens: 6, totalTokens: 18 },
    });
    const chars = seen.map((progress) => progress.chars ?? 0);
    expect(chars).toEqual([...chars].sort((a, b) => a - b));
    expect(chars.at(-1)).toBe("[short] turn 1: say é 世界".length);
    expect(server.calls).toHaveLength(1);
  });

  it.each([
    ["go on, run out", { reply: "done", warning: expect.stringContaining("ran out of the tokens") }],
    [
      "please break off soon",
      { reply: "none", error: { code: "instance_down", details: { partial: "turn 1: " } } },
    ],
    ["fail midway please", { reply: "failed", error: { message: "A: The model crashed." } }],
    ["you refuse", { reply: "failed", error: { message: "A: the model refuses: I cannot." } }],
    ["come whole", { reply: "done", result: "turn 1: come whole" }],
  ])("%s: what comes of it is told", async (payload, expected) => {
    const { send } = await model({}, { api });
    expect(await send(payload)).toMatchObject({ delivery: "accepted", ...expected });
  });

  it("is given up once it is silent for too long, not for taking long", async () => {
    const { send } = await model({}, { api, idleTimeoutMs: 200 });
    const words = Array.from({ length: 20 }, (_, index) => index).join(" ");
    expect(await send(`go slowly ${words}`)).toMatchObject({ reply: "done" });
    expect(await send("fall silent")).toMatchObject({
      delivery: "accepted",
      reply: "none",
      error: { code: "timeout" },
    });
  });

  it("is stopped by closing its connection", async () => {
    const { send, server } = await model({}, { api });
    const cancellation = new Cancellation();
    const answer = await send(`go slowly ${"word ".repeat(200)}`, {
      cancellation,
      onProgress: () => cancellation.cancel(new OrchestratorError("cancelled", "enough")),
    });
    expect(answer).toMatchObject({ delivery: "accepted", reply: "cancelled", error: { message: "enough" } });
    await expect.poll(() => server.calls[0]?.left).toBe(true);
  });
});

describe("what is refused", () => {
  it.each([
    ["be overloaded", { code: "overloaded" }, { again: "later", retryAfterMs: 1_000 }],
    ["be limited", { code: "rate_limited" }, { again: "later", retryAfterMs: 1_000 }],
  ])("%s: was not sent", async (payload, error, facts) => {
    const { send } = await model();
    expect(await send(payload)).toMatchObject({ delivery: "not_sent", error, ...facts });
  });

  it("an error of the server leaves open what was done", async () => {
    const { send } = await model();
    const answer = await send("be broken");
    expect(answer).toMatchObject({ delivery: "unknown", reply: "none", error: { code: "instance_error" } });
    expect(errorOf(answer).message).toContain("The server had an error.");
  });

  it("a model that is not there, a field that the API does not know, an empty prompt", async () => {
    const missing = await model({}, { model: "other" });
    expect(await missing.send("x")).toMatchObject({ delivery: "not_sent", again: "never" });
    expect(missing.server.calls).toHaveLength(1);
    const wrong = await model({}, { parameters: { heat: 1 } });
    expect(errorOf(await wrong.send("x"))).toMatchObject({ code: "bad_request" });
    for (const payload of [null, "", { message: " " }]) {
      const error = errorOf(await wrong.send(payload));
      expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
      expect(error.message).toBe("payload: A (protocol openai) needs a prompt.");
    }
    expect(wrong.server.calls).toHaveLength(1);
  });

  it("a wrong key is not shown twice", async () => {
    const { send, env, server } = await model({ apiKey: "right" });
    env.KEY = "wrong";
    for (const _ of [1, 2]) {
      const answer = await send("x");
      expect(answer).toMatchObject({ delivery: "not_sent", error: { code: "instance_unauthorized" } });
      expect(errorOf(answer).message).not.toContain("wrong");
    }
    expect(server.refused).toBe(1);
    env.KEY = "right";
    expect(await send("x")).toMatchObject({ reply: "done" });
  });

  it("nothing listens", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/v1`;
    const client = clientsFor().of(instanceAt(url, { protocol: "openai", settings: { model: "m" } }));
    expect(await client.send(call({ payload: "x" }))).toMatchObject({
      delivery: "not_sent",
      unreachable: true,
    });
  });
});

describe("the request", () => {
  it("takes any JSON, a template, and further parameters", async () => {
    const { send, server } = await model(
      {},
      { template: "In short: {{prompt}} ($&)", parameters: { temperature: 0, stream_options: null } },
    );
    expect(await send({ message: "hi" })).toMatchObject({ result: "turn 1: In short: hi ($&)" });
    expect(await send({ query: "q", limit: 3 })).toMatchObject({
      result: 'turn 1: In short: {"query":"q","limit":3} ($&)',
    });
    expect(server.calls[0]?.body).toMatchObject({ temperature: 0, stream: true });
  });

  it("goes to /responses where there are no chat completions, and remembers that", async () => {
    const { send, server } = await model({ apis: ["responses"] });
    expect(await send("a")).toMatchObject({ reply: "done", result: "turn 1: a" });
    expect(await send("b")).toMatchObject({ reply: "done", result: "turn 1: b" });
    expect(server.calls.map(({ path }) => path)).toEqual(["/v1/responses", "/v1/responses"]);
    const neither = await model({ apis: [] });
    expect(errorOf(await neither.send("a")).action).toBe("Correct its url: it commonly ends with /v1.");
  });
});

describe("a session", () => {
  it("is replayed, oldest first, as far as there is room", async () => {
    const { client, server } = await model({}, { system: "s", contextTokens: 300 });
    const history = Array.from({ length: 40 }, (_, index) => ({
      data: `question ${index}`,
      result: `answer ${index}`,
    }));
    const answer = await client.message("r", 1, 41, call({ payload: "last", history }));
    const [{ body } = { body: {} }] = server.calls;
    const { messages } = body as { messages: { role: string; content: string }[] };
    expect(messages[0]).toEqual({ role: "system", content: "s" });
    expect(messages.at(-1)).toEqual({ role: "user", content: "last" });
    expect(messages.at(-2)).toEqual({ role: "assistant", content: "answer 39" });
    expect(
      messages
        .slice(1, -1)
        .map(({ role }) => role)
        .join(),
    ).toMatch(/^(user,assistant,)+user,assistant$/);
    expect(messages.length).toBeGreaterThan(10);
    expect(messages.length).toBeLessThan(82);
    expect(answer).toMatchObject({
      reply: "done",
      warning: expect.stringMatching(/^A was not told the \d+ oldest/),
    });
  });
});

describe("health", () => {
  it.each<[string, ModelServerOptions, InstanceSettings, object]>([
    ["with its model", {}, {}, { state: "healthy" }],
    ["with Ollama's name of it", { models: ["reckoner:latest"] }, {}, { state: "healthy" }],
    [
      "without it",
      { models: ["a", "b"] },
      {},
      { state: "degraded", reason: "does not list model reckoner, but a, b" },
    ],
    [
      "without a list",
      { listsModels: false },
      {},
      { state: "healthy", reason: "answers, and lists no models (HTTP 404)" },
    ],
  ])("%s", async (_name, options, settings, expected) => {
    const { client, server } = await model(options, settings);
    expect(await client.check(2_000)).toMatchObject(expected);
    expect(server.calls).toEqual([]);
  });

  it("of one that refuses the key, and of none", async () => {
    const { env, instance, server } = await model({ apiKey: "right" });
    env.KEY = "wrong";
    const client = clientsFor({ env }).of(instance);
    expect(await client.check(2_000)).toMatchObject({
      state: "degraded",
      reason: "refuses our key (HTTP 401)",
    });
    await server.close();
    servers.length = 0;
    expect(await clientsFor({ env }).of(instance).check(2_000)).toMatchObject({ state: "down" });
  });
});

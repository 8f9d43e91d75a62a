import { describe, expect, it } from "vitest";
import type { Worker } from "../../src/host/worker.ts";
import { onEnd, startHost } from "../host/harness.ts";
import { type GatewayServerOptions, gatewayServer } from "../support/gateway-server.ts";
import { refusalOf, testEngine } from "./harness.ts";

// What the engine makes of OpenClaw gateways.

const worker: Worker = {
  description: { does: "Says it again.", payload: "anything", example: 1 },
  run: async ({ payload }) => ({ result: payload }),
  close: async () => {},
};

async function gateway(name: string, options?: GatewayServerOptions) {
  const server = await gatewayServer(options);
  onEnd(() => server.close());
  return { server, fleet: { [name]: { url: server.url, protocol: "openclaw" as const } } };
}

async function twoGateways(optionsOfA?: GatewayServerOptions) {
  const [a, b] = [await gateway("A", optionsOfA), await gateway("B")];
  return { a: a.server, b: b.server, ...testEngine({ fleet: { ...a.fleet, ...b.fleet } }) };
}

describe("a gateway that drains", () => {
  it("is passed over, and shows as draining", async () => {
    const { a, b, delegate, health } = await twoGateways();
    a.draining = true;
    expect(await delegate({ instances: ["A", "B"], payload: "hi" })).toMatchObject({
      instance: "B",
      result: "turn 1: hi",
      attempts: [{ instance: "A", delivery: "not_sent" }, { instance: "B" }],
    });
    expect([a.runs.length, b.runs.length]).toEqual([0, 1]);
    expect(await health(["A", "B"])).toMatchObject([{ state: "draining" }, { state: "healthy" }]);
  });
});

describe("a run that broke off", () => {
  it("is told, and given to nobody else unless that is harmless", async () => {
    const { a, b, delegate } = await twoGateways({ mood: "break off" });
    const input = { instances: ["A", "B"], payload: "hello there" };
    const error = await refusalOf(delegate(input));
    expect(error).toMatchObject({ instance: "A", delivery: "accepted", code: "instance_down" });
    expect([a.runs.length, b.runs.length]).toEqual([1, 0]);
    expect(await delegate({ ...input, idempotent: true })).toMatchObject({
      instance: "B",
      attempts: [{ instance: "A", delivery: "accepted", reply: "none" }, { instance: "B" }],
    });
  });
});

describe("a session at a gateway", () => {
  it("has one message in flight at a time", async () => {
    const { server, fleet } = await gateway("A");
    const { spawn, send } = testEngine({ fleet });
    await spawn({ sessionId: "s", instance: "A" });
    const sent = [1, 2, 3].map((n) => send({ sessionId: "s", data: `go slowly ${n}` }));
    expect((await Promise.all(sent)).map(({ result }) => result)).toEqual([
      "turn 1: go slowly 1",
      "turn 2: go slowly 2",
      "turn 3: go slowly 3",
    ]);
    expect(server.sessions.size).toBe(1);
  });

  it("shows what the gateway itself keeps, as long as it is open", async () => {
    const { fleet } = await gateway("A");
    const host = await startHost({ worker });
    const { spawn, send, history, closeSession } = testEngine({ fleet: { ...fleet, B: host.origin } });
    await spawn({ sessionId: "s", instance: "A" });
    await send({ sessionId: "s", data: { message: "one" } });
    const remote = async (sessionId: string) => (await history({ sessionId, remote: true })).remote;
    expect(await remote("s")).toEqual({
      messages: [
        { role: "user", text: "one", at: "2026-11-25T16:16:47.131Z" },
        { role: "assistant", text: "turn 1: one", at: "2026-11-25T16:16:47.132Z" },
      ],
    });
    expect(await history({ sessionId: "s" })).not.toHaveProperty("remote");
    await closeSession({ sessionId: "s" });
    expect(await remote("s")).toEqual({ messages: [] });
    await spawn({ sessionId: "other", instance: "B" });
    expect((await refusalOf(remote("other"))).message).toBe(
      "remote: B (protocol rest) does not tell what it keeps of a session.",
    );
  });

  it("takes over the history of an instance that is down, and tells it once", async () => {
    const { server, fleet } = await gateway("B");
    const host = await startHost({ worker });
    const { spawn, send, health } = testEngine({ fleet: { A: host.origin, ...fleet } });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    await host.close();
    await health(["A"]);
    expect(await send({ sessionId: "s", data: "two" })).toMatchObject({
      instance: "B",
      result: "turn 2: two",
    });
    await send({ sessionId: "s", data: "three" });
    expect(server.runs.map(({ body }) => body.messages.map(({ content }) => content))).toEqual([
      ["one", "one", "two"],
      ["three"],
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { delegateInput, orchestrateInput } from "../../src/core/requests.ts";
import type { Worker } from "../../src/host/worker.ts";
import { onEnd, startHost } from "../host/harness.ts";
import { modelServer } from "../support/model-server.ts";
import { done, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

// What the engine makes of instances that keep neither keys nor sessions, and say what they cost.

const sessionWorker: Worker = {
  description: { does: "Says it again.", payload: "anything", example: 1 },
  run: async ({ payload }) => ({ result: payload }),
  close: async () => {},
};

async function models(...names: string[]) {
  const server = await modelServer();
  onEnd(() => server.close());
  const settings = { model: "reckoner" };
  const fleet = Object.fromEntries(
    names.map((name) => [name, { url: server.url, protocol: "openai" as const, settings }]),
  );
  return { server, fleet };
}

async function withModels(names: string[]) {
  const { server, fleet } = await models(...names);
  return { server, fleet, ...testEngine({ fleet }) };
}

describe("usage", () => {
  it("stands in the outcome and is summed up over a run, and over a plan and its steps", async () => {
    const { delegate, fanout, run, engine } = await withModels(["A", "B"]);
    const one = await delegate({ instances: ["A"], payload: "one two" });
    const usage = { inputTokens: 6, outputTokens: 4, totalTokens: 10 };
    expect(one).toMatchObject({ result: "turn 1: one two", usage });
    expect((await run(one.runId)).outcomes[0]?.usage).toEqual(usage);
    const both = await fanout({ targets: ["A", "B"], payload: "one two" });
    expect(both.usage).toEqual({ inputTokens: 12, outputTokens: 8, totalTokens: 20 });
    const steps = [
      { id: "first", fanout: { targets: ["A", "B"], payload: "one two" } },
      {
        id: "second",
        needs: ["first"],
        forEach: ["x", "y"],
        delegate: { instances: ["A"], payload: "${item}" },
      },
    ];
    const plan = done(await engine.orchestrate(orchestrateInput.parse({ steps }), { createdBy: "test" }));
    expect(plan).toMatchObject({
      reply: "done",
      steps: [
        { usage: { totalTokens: 20 } },
        { usage: { inputTokens: 10, outputTokens: 6, totalTokens: 16 } },
      ],
      usage: { totalTokens: 36 },
    });
    expect((await run(plan.runId)).usage).toEqual(plan.usage);
  });
});

describe("a budget", () => {
  it("of calls counts each attempt, and says why nobody else was asked", async () => {
    const { server, fleet } = await models("B");
    const { delegate, fanout } = testEngine({ fleet: { A: "http://127.0.0.1:1", ...fleet } });
    const error = await refusalOf(
      delegate({ instances: ["A", "B"], payload: "x", budget: { maxCalls: 1 }, retries: 0 }),
    );
    expect(error.message).toContain("B: The budget of 1 calls is spent: 1 were made, and 1 more is due");
    expect(error.delivery).toBe("not_sent");
    expect(server.calls).toEqual([]);
    const { outcomes } = await fanout({ targets: ["B"], payload: "x", budget: { maxCalls: 1 } });
    expect(outcomes).toMatchObject([{ reply: "done" }]);
  });

  it("of tokens stops what has not begun once they are used", async () => {
    const { fanout, server } = await withModels(["A", "B", "C"]);
    const answer = await fanout({
      targets: ["A-C"],
      payload: "one two",
      concurrency: 1,
      budget: { maxTokens: 15 },
    });
    expect(answer.outcomes).toMatchObject([
      { instance: "A", reply: "done" },
      { instance: "B", reply: "done" },
      {
        instance: "C",
        reply: "none",
        delivery: "not_sent",
        error: { code: "conflict", details: { spent: "maxTokens" } },
      },
    ]);
    expect(server.calls).toHaveLength(2);
  });

  it("of nothing is no budget", async () => {
    const { delegate } = await withModels(["A"]);
    await expect(delegate({ instances: ["A"], budget: {} })).rejects.toThrow(
      "give maxCalls, maxTokens or maxCostUsd",
    );
  });
});

describe("work whose fate nobody knows", () => {
  it("is sent to nobody else, and is not asked about", async () => {
    const { delegate, server } = await withModels(["A", "B"]);
    for (const [payload, delivery] of [
      ["be broken", "unknown"],
      ["now break off soon", "accepted"],
    ]) {
      const error = await refusalOf(delegate({ instances: ["A", "B"], payload }));
      expect(error).toMatchObject({ instance: "A", delivery });
    }
    expect(server.calls).toHaveLength(2);
  });

  it("goes on when the wait is over, and a cancel closes its connection", async () => {
    const { delegate, cancel, server, run } = await withModels(["A"]);
    const answer = await delegate({
      instances: ["A"],
      payload: `go slowly ${"word ".repeat(300)}`,
      wait: 0.2,
    });
    expect(answer).toMatchObject({ reply: "pending", survivesExit: false });
    expect(await cancel(answer.runId)).toMatchObject({
      outcomes: [{ reply: "cancelled", delivery: "accepted" }],
    });
    await expect.poll(() => server.calls[0]?.left).toBe(true);
    expect((await run(answer.runId)).state).toBe("ended");
  });
});

describe("a session at a model", () => {
  it("is replayed from the transcript, also by the next process", async () => {
    const { server, fleet } = await models("A");
    const file = await stateFile();
    const first = testEngine({ fleet, store: await sqliteAt(file) });
    await first.spawn({ sessionId: "s", instance: "A" });
    expect(await first.send({ sessionId: "s", data: "one" })).toMatchObject({ result: "turn 1: one" });
    await first.engine.close();
    const second = testEngine({ fleet, store: await sqliteAt(file) });
    expect(await second.send({ sessionId: "s", data: "two" })).toMatchObject({ result: "turn 2: two" });
    const together = await Promise.all([3, 4, 5].map((data) => second.send({ sessionId: "s", data })));
    expect(together.map(({ result }) => result)).toEqual(["turn 3: 3", "turn 4: 4", "turn 5: 5"]);
    expect(server.calls).toHaveLength(5);
  });

  it("takes over the history of an instance that is down", async () => {
    const { fleet } = await models("B");
    const host = await startHost({ worker: sessionWorker });
    const { spawn, send, health } = testEngine({ fleet: { A: host.origin, ...fleet } });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    await host.close();
    await health(["A"]);
    expect(await send({ sessionId: "s", data: "two" })).toMatchObject({
      instance: "B",
      result: "turn 2: two",
    });
  });
});

describe("what a protocol can do", () => {
  it("is told by health and by a dry run", async () => {
    const { health, engine } = await withModels(["A"]);
    const capabilities = {
      ...{ idempotency: false, cancel: true, async: false, sessions: true, history: true, streaming: true },
    };
    expect(await health(["A"])).toMatchObject([{ state: "healthy", capabilities }]);
    const input = delegateInput.parse({ instances: ["A"], dryRun: true });
    expect(await engine.delegate(input, { createdBy: "test" })).toMatchObject({
      capabilities: { A: capabilities },
    });
  });
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type A2aAgent, type AgentOptions, startAgent } from "../support/a2a-agent.ts";
import { connect, freshEnv, run, start } from "../support/program.ts";

// The built product with agents that the A2A SDK's own server side serves.

// The SDK's server speaks of each refusal to whoever runs it.
beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));

const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout);

async function agentFor(options: AgentOptions = {}): Promise<A2aAgent> {
  const agent = await startAgent(options);
  onTestFinished(() => agent.close());
  return agent;
}

/** An environment whose fleet is as given. */
async function fleet(instances: Record<string, object>, more: Record<string, string> = {}) {
  const env = await freshEnv(more);
  const config = join(env.ORCHESTRATOR_STATE_DIR ?? "", "..", "config.json");
  await writeFile(config, JSON.stringify({ fleet: instances }));
  return { ...env, ORCHESTRATOR_CONFIG: config };
}

describe("an agent in the fleet", () => {
  it("does tasks, beside instances of our own, and is picked by its skills", async () => {
    const skilled = await agentFor({ token: "t0ken", skills: [{ id: "web-search", tags: ["research"] }] });
    const polled = await agentFor({
      streaming: false,
      bindings: ["HTTP+JSON"],
      skills: [{ id: "sums", tags: [] }],
    });
    const { ready } = await start(["instance", "--name", "C", "--", "cat"], await freshEnv());
    const env = await fleet(
      {
        A: { url: skilled.url, protocol: "a2a", apiKeyEnv: "A_TOKEN", tags: ["mine"] },
        B: { url: polled.url, protocol: "a2a" },
        C: { url: ready.url },
      },
      { A_TOKEN: "t0ken" },
    );
    const routed = json(await run(["route", "--instances", "A", "--payload", '{"message":"hello"}'], env));
    expect(routed).toMatchObject({ instance: "A", delivery: "accepted", reply: "done", result: "hello" });

    const fanned = await run(
      ["fanout", "--targets", "A-C", "--payload", '"all of you"', "--aggregate", "true"],
      env,
    );
    expect(fanned.code).toBe(0);
    expect(json(fanned)).toMatchObject(
      ["A", "B", "C"].map((instance) => ({ instance, reply: "done", result: "all of you" })),
    );

    const byTag = json(
      await run(["fanout", "--targets", "tag:web-search", "tag:sums", "--payload", '"hi"'], env),
    );
    expect(byTag.outcomes.map(({ instance }: { instance: string }) => instance)).toEqual(["A", "B"]);
    const nobody = await run(["fanout", "--targets", "tag:cooking", "--payload", '"hi"'], env);
    expect(nobody.stderr).toContain("unknown_instance");

    const health = json(await run(["health", "--output", "json", "--detail"], env));
    expect(health).toMatchObject({
      A: {
        state: "healthy",
        protocol: "a2a",
        tags: ["mine", "web-search", "research"],
        capabilities: { streaming: true },
      },
      B: {
        state: "healthy",
        protocol: "a2a",
        tags: ["sums"],
        capabilities: { async: true, streaming: false },
      },
      C: { state: "healthy", protocol: "rest", tags: [] },
    });
    expect(skilled.heard.map(({ text }) => text)).toEqual(["hello", "all of you", "hi"]);
  });

  it("has a conversation, over processes, and asks back in it", async () => {
    const agent = await agentFor();
    const env = await fleet({ A: { url: agent.url, protocol: "a2a" } });
    await run(["sessions_spawn", "--id", "s1", "--instance", "A"], env);
    const say = async (words: string) =>
      json(await run(["sessions_send", "--id", "s1", "--data", JSON.stringify(words)], env)).result;
    expect(await say("recall one")).toBe("recall one");
    const { contextId } = agent.heard[0] ?? {};
    expect(await say("ask which colour?")).toMatchObject({
      asksFor: "input",
      message: "which colour?",
      contextId,
    });
    expect(await say("blue")).toBe("blue");
    expect(agent.heard[2]?.taskId).toBe(agent.heard[1]?.taskId);
    expect(await say("recall")).toBe("recall one, ask which colour?, blue, recall");
    expect(agent.heard[3]?.taskId).not.toBe(agent.heard[1]?.taskId);
    const closed = await run(["sessions_close", "--id", "s1"], env);
    expect(closed.code).toBe(0);
  });

  it.each([true, false])(
    "goes on with a task after the call, which any process can wait for (streamed: %s)",
    async (streaming) => {
      const agent = await agentFor({ streaming });
      const env = await fleet({ A: { url: agent.url, protocol: "a2a" } });
      const handed = await run(["route", "--instances", "A", "--payload", '"hold it"', "--wait", "1s"], env);
      expect(handed.code).toBe(6);
      expect(handed.stderr).toContain("goes on");
      const { runId } = json(handed);
      agent.release();
      const waited = await run(["runs", "wait", runId], env);
      expect(json(waited)).toMatchObject({
        state: "ended",
        outcomes: [{ instance: "A", reply: "done", result: "it" }],
      });
      expect(agent.heard).toHaveLength(1);
    },
  );

  it("is cancelled, or refuses to be and that is told", async () => {
    const agent = await agentFor();
    const env = await fleet({ A: { url: agent.url, protocol: "a2a" } });
    for (const [payload, reply] of [
      ["hold it", "cancelled"],
      ["stubborn it", "none"],
    ]) {
      const { runId } = json(
        await run(["route", "--instances", "A", "--payload", JSON.stringify(payload), "--wait", "1s"], env),
      );
      const cancelled = json(await run(["runs", "cancel", runId], env));
      expect(cancelled.outcomes).toMatchObject([{ instance: "A", delivery: "accepted", reply }]);
      if (reply === "none")
        expect(cancelled.outcomes[0].error.message).toContain("this agent stops for nobody");
      agent.release();
    }
  });

  it("is picked by its skill from an assistant's call", async () => {
    const agent = await agentFor({ skills: [{ id: "sums", tags: [] }] });
    const server = await connect(await fleet({ A: { url: agent.url, protocol: "a2a" } }));
    const answer = await server.call("delegate", { instances: ["tag:sums"], payload: { message: "2 + 2" } });
    expect(answer).toMatchObject({ instance: "A", reply: "done", result: "2 + 2" });
  });

  it("is asked for what it did when the process that sent it was killed, and its session goes on", async () => {
    const agent = await agentFor();
    const env = await fleet({ A: { url: agent.url, protocol: "a2a" } });
    const server = await connect(env);
    await server.call("sessions_spawn", { sessionId: "s1", instance: "A" });
    const { runId } = await server.call<{ runId: string }>("sessions_send", {
      sessionId: "s1",
      data: { message: "hold it" },
      wait: 1,
    });
    process.kill(server.pid, "SIGKILL");
    agent.release();
    const waited = json(await run(["runs", "wait", runId], env));
    expect(waited).toMatchObject({ state: "ended", outcomes: [{ reply: "done", result: "it" }] });
    const next = json(await run(["sessions_send", "--id", "s1", "--data", '"recall"'], env));
    expect(next.result).toBe("hold it, recall");
    expect(new Set(agent.heard.map(({ contextId }) => contextId)).size).toBe(1);
  });
});

import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import { echo } from "./fleet.ts";
import { call, connect, engineOver, engineWith } from "./harness.ts";
import { httpInstance } from "./http-instance.ts";
import { ModernClient } from "./modern.ts";

const RUNS = "orchestrator://runs/{runId}";
const RESULTS = "orchestrator://runs/{runId}/{instance}";
const SESSIONS = "orchestrator://sessions/{sessionId}";

type Client = Awaited<ReturnType<typeof connect>>;

/** What is suggested for an argument of a prompt or, by its URI, of a template. */
async function suggested(
  client: Client,
  of: string,
  name: string,
  value = "",
  given?: Record<string, string>,
): Promise<string[]> {
  const ref = of.includes("://")
    ? ({ type: "ref/resource", uri: of } as const)
    : ({ type: "ref/prompt", name: of } as const);
  const { completion } = await client.complete({
    ref,
    argument: { name, value },
    ...(given && { context: { arguments: given } }),
  });
  return completion.values;
}

/** A fleet of alpha and beta, which are for search, and gamma, which is not there. */
async function threeInstances() {
  const tags: Record<string, string[]> = { alpha: ["search"], beta: ["search", "code"], gamma: [] };
  const instances = await Promise.all(
    Object.entries(tags).map(([name, its]) => httpInstance(name, echo, its)),
  );
  const engine = engineOver(instances);
  const client = await connect(engine);
  await instances[2]?.close();
  await engine.health({ detail: false });
  return { client, engine, instances };
}

describe("completion", () => {
  it("of whom a prompt is for gives names, those that are down last, then tags and all", async () => {
    const { client } = await threeInstances();
    for (const prompt of ["ask_fleet", "second_opinion", "divide_job", "watch_fleet"]) {
      expect(await suggested(client, prompt, "instances")).toEqual([
        ...["alpha", "beta", "gamma", "tag:search", "tag:code", "*"],
      ]);
    }
    expect(await suggested(client, "ask_fleet", "instances", "AL")).toEqual(["alpha"]);
    expect(await suggested(client, "ask_fleet", "instances", "a")).toEqual([
      ...["alpha", "beta", "gamma", "tag:search", "tag:code"],
    ]);
    expect(await suggested(client, "ask_fleet", "instances", "beta, ta")).toEqual([
      ...["beta, tag:search", "beta, tag:code"],
    ]);
    expect(await suggested(client, "ask_fleet", "instances", "alpha,")).not.toContain("alpha,alpha");
  });

  it("asks nobody: what is known of the fleet is enough", async () => {
    const { client, instances } = await threeInstances();
    await Promise.all(instances.slice(0, 2).map((instance) => instance.close()));
    expect(await suggested(client, "ask_fleet", "instances", "be")).toEqual(["beta"]);
  });

  it("asks the fleet's own server where nothing is known here", async () => {
    const health = async () => [{ instance: "A", state: "healthy", reason: "", tags: ["far"] }] as never;
    const client = await connect(engineWith({ health }));
    expect(await suggested(client, "ask_fleet", "instances")).toEqual(["A", "tag:far", "*"]);
  });

  it("of a text that a person writes gives nothing", async () => {
    const { client } = await threeInstances();
    expect(await suggested(client, "ask_fleet", "question", "Why")).toEqual([]);
  });

  it("of a run gives the newest first, and of its instance those that it asked", async () => {
    const { client } = await threeInstances();
    const ids: string[] = [];
    for (const target of ["alpha", "beta"]) {
      ids.unshift((await call(client, "delegate", { instances: [target] })).structured.runId);
    }
    expect(await suggested(client, RUNS, "runId")).toEqual(ids);
    expect(await suggested(client, RESULTS, "runId", ids[0])).toEqual([ids[0]]);
    expect(await suggested(client, RESULTS, "instance", "", { runId: ids[0] ?? "" })).toEqual(["beta"]);
    expect(await suggested(client, RESULTS, "instance", "")).toEqual(["alpha", "beta", "gamma"]);
    expect(await suggested(client, RESULTS, "instance", "g", { runId: "run-none" })).toEqual(["gamma"]);
  });

  it("of a session gives the open ones first", async () => {
    const { client } = await threeInstances();
    for (const sessionId of ["a", "b", "c"])
      await call(client, "sessions_spawn", { sessionId, instance: "alpha" });
    await call(client, "sessions_close", { sessionId: "a" });
    expect(await suggested(client, SESSIONS, "sessionId")).toEqual(["b", "c", "a"]);
  });

  it("gives a hundred at most, and says that there are more", async () => {
    const items = Array.from({ length: 130 }, (_, n) => ({ runId: `run-${n}` }));
    const client = await connect(engineWith({ runsList: async () => ({ items }) as never }));
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: RUNS },
      argument: { name: "runId", value: "" },
    });
    expect(completion).toMatchObject({ total: 130, hasMore: true });
    expect(completion.values).toHaveLength(100);
  });

  it.each([
    ["ask", "instances", "There is no prompt ask"],
    ["ask_fleet", "targets", "The prompt ask_fleet has no argument targets."],
    [RUNS, "instance", "There is no resource template"],
    ["orchestrator://fleet", "runId", "There is no resource template"],
  ])("of %s %s is an error of the protocol in either era", async (of, name, words) => {
    const refused = { code: -32602, message: expect.stringContaining(words) };
    await expect(suggested(await connect(engineWith({})), of, name)).rejects.toMatchObject(refused);
    const ref = of.includes("://") ? { type: "ref/resource", uri: of } : { type: "ref/prompt", name: of };
    const modern = new ModernClient(engineWith({}));
    expect(await modern.request("completion/complete", { ref, argument: { name, value: "" } })).toMatchObject(
      refused,
    );
  });

  it("says what is wrong where the store cannot be read", async () => {
    const broken = new OrchestratorError("store_unavailable", "The disk is gone.");
    const client = await connect(engineWith({ runsList: () => Promise.reject(broken) }));
    await expect(suggested(client, RUNS, "runId")).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining("store_unavailable: The disk is gone. → "),
    });
  });
});

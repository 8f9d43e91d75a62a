import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ModelServerOptions, modelServer } from "../support/model-server.ts";
import { connect, freshEnv, run, tempFolder } from "../support/program.ts";

/** Two model servers as A and B of a configuration file, as a person would have them. */
async function setUp(options: ModelServerOptions = {}) {
  const servers = await Promise.all([modelServer(options), modelServer(options)]);
  for (const server of servers) onTestFinished(() => server.close());
  const [a, b] = servers;
  const config = join(await tempFolder(), "config.json");
  const entry = (url = "") => ({ url, protocol: "openai", model: "reckoner", system: "Be brief" });
  await writeFile(config, JSON.stringify({ fleet: { A: entry(a?.url), B: entry(b?.url) } }));
  const env = await freshEnv({ ORCHESTRATOR_CONFIG: config });
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(args, env);
    if (code !== 0) throw new Error(`${code}: ${stderr}`);
    return JSON.parse(stdout);
  };
  return { servers, env, json, config };
}

describe("model servers as a fleet, by the command line", () => {
  it("do a task, answer a fan-out that is combined, and tell what it cost", async () => {
    const { json } = await setUp();
    expect(await json("health", "--instances", "A,B")).toEqual({ A: "healthy", B: "healthy" });
    const routed = await json("route", "--instances", "A", "--payload", '"hello there"');
    expect(routed).toMatchObject({
      reply: "done",
      result: "[Be brief] turn 1: hello there",
      usage: { inputTokens: 12, outputTokens: 6, totalTokens: 18 },
    });
    const fanned = await json(
      "fanout",
      "--targets",
      "A,B",
      "--payload",
      '"hello"',
      "--aggregate",
      "majority",
    );
    expect(fanned).toMatchObject({
      aggregate: { value: "[Be brief] turn 1: hello", sources: ["A", "B"] },
      usage: { totalTokens: 32 },
    });
    const runs = await json("runs", "list");
    expect(runs.items.map(({ usage }: { usage: object }) => usage)).toMatchObject([
      { totalTokens: 32 },
      { totalTokens: 18 },
    ]);
  });

  it("hold a conversation over several processes, which another takes over when its owner is gone", async () => {
    const { json, servers } = await setUp();
    await json("sessions_spawn", "--id", "talk", "--instance", "A", "--on-instance-down", "migrate");
    await json("sessions_send", "--id", "talk", "--data", '"one"');
    expect(await json("sessions_send", "--id", "talk", "--data", '"two"')).toMatchObject({
      result: "[Be brief] turn 2: two",
    });
    await servers[0]?.close();
    expect(await json("sessions_send", "--id", "talk", "--data", '"three"')).toMatchObject({
      instance: "B",
      result: "[Be brief] turn 3: three",
    });
  });

  it("are refused with what is wrong, and their work is not done twice", async () => {
    const { env, config } = await setUp();
    const errorOf = async (...args: string[]) => {
      const { stderr } = await run(args, env);
      return JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error;
    };
    expect(await errorOf("route", "--instances", "A")).toMatchObject({
      code: "bad_request",
      message: "--payload: A (protocol openai) needs a prompt.",
    });
    expect(await errorOf("route", "--instances", "A,B", "--payload", '"be broken"')).toMatchObject({
      instance: "A",
      delivery: "unknown",
    });
    expect(await errorOf("fanout", "--targets", "A", "--payload", '"x"', "--max-tokens", "0")).toMatchObject({
      message: expect.stringContaining("--max-tokens"),
    });
    await writeFile(
      config,
      JSON.stringify({ fleet: { A: { url: "http://127.0.0.1:1/v1", protocol: "openai", agent: "x" } } }),
    );
    expect(await errorOf("route", "--instances", "A", "--payload", '"x"')).toMatchObject({
      message: expect.stringMatching(
        /fleet\.A\.agent: is for protocol openclaw; this is openai.*fleet\.A\.model: protocol openai needs one/s,
      ),
    });
  });
});

describe("model servers as a fleet, by MCP", () => {
  it("tell of their progress, each time more than before", async () => {
    const { env } = await setUp();
    const { client } = await connect(env);
    const seen: { progress: number; message?: string | undefined }[] = [];
    const words = Array.from({ length: 80 }, () => "word").join(" ");
    const answer = await client.callTool(
      { name: "fanout", arguments: { targets: ["A", "B"], payload: { message: `go slowly ${words}` } } },
      undefined,
      { onprogress: (progress) => seen.push(progress) },
    );
    expect(answer.isError).toBeFalsy();
    const steps = seen.map(({ progress }) => progress);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    expect(seen.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^[AB]: working, \d+ characters so far \(0 of 2\)$/),
    );
  });
});

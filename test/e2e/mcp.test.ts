import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ResourceListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import {
  connect,
  freshEnv,
  isRunning,
  NODE,
  PROGRAM,
  type Started,
  start,
  tempFolder,
} from "../support/program.ts";

interface Health {
  instances: { instance: string; state: string; reason: string }[];
}

/** A cluster with instances that run a shell script for each task. */
async function fleetOf(names: string, script: string, env: Record<string, string>): Promise<Started> {
  const file = join(await tempFolder(), "worker.sh");
  await writeFile(file, script);
  const up = await start(["up", "--port", "0", "--instances", names, "--", "sh", file], env);
  env.ORCHESTRATOR_CLUSTER_URL = up.ready.cluster as string;
  return up;
}

const INITIALIZE = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "script", version: "1" },
};

const ECHO = 'read line\nprintf \'{"got":%s}\' "$line"\n';

/** Appends to a ledger at its beginning and its end; sleeps between. */
const slow = (ledger: string, seconds: number) =>
  `read line\necho "begin $$" >> ${ledger}\nsleep ${seconds}\necho "end $$" >> ${ledger}\necho '"slept"'\n`;

const linesOf = async (file: string) =>
  (await readFile(file, "utf8").catch(() => "")).trim().split("\n").filter(Boolean);

describe("the MCP server", () => {
  it("starts without a configuration or a cluster, and each tool says what to do", async () => {
    const server = await connect(await freshEnv());
    expect(await server.call("health")).toMatchObject({ instances: [] });
    const { isError, text } = await server.raw("delegate", { instances: ["A"], payload: {} });
    expect(isError).toBe(true);
    expect(text).toContain("unknown_instance");
    expect(text).toContain("orchestrator up");
  });

  it("starts with a broken configuration and names file and field in each answer", async () => {
    const file = join(await tempFolder(), "config.json");
    await writeFile(file, '{"retries":"many"}');
    const server = await connect(await freshEnv(), ["mcp", "--config", file]);
    for (const name of ["health", "runs_list"]) {
      const { text } = await server.raw(name);
      if (name === "health") expect(text).toContain(file);
    }
    const { isError, text } = await server.raw("delegate", { instances: ["A"] });
    expect({ isError, names: text.includes("retries") && text.includes(file) }).toEqual({
      isError: true,
      names: true,
    });
  });

  it("starts with a corrupt store, sends nothing, and says so", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A", slow(ledger, 0), env);
    const broken = join(await tempFolder(), "state");
    await mkdir(broken);
    await writeFile(join(broken, "orchestrator.db"), "no database at all".repeat(500));
    const server = await connect({ ...env, ORCHESTRATOR_STATE_DIR: broken });
    const { isError, text } = await server.raw("delegate", { instances: ["A"], payload: 1 });
    expect(isError).toBe(true);
    expect(text).toContain("store_unavailable");
    expect((await server.call<Health>("health")).instances).toMatchObject([
      { instance: "A", state: "healthy" },
    ]);
    expect(await linesOf(ledger)).toEqual([]);
  });

  it("takes up a changed configuration without a restart", async () => {
    const env = await freshEnv();
    const up = await fleetOf("A", ECHO, env);
    const [{ url }] = up.ready.instances as [{ url: string }];
    const file = join(await tempFolder(), "config.json");
    await writeFile(file, '{"fleet":{}}');
    const server = await connect({ ...env, ORCHESTRATOR_CLUSTER_URL: "http://127.0.0.1:9" }, [
      "mcp",
      "--config",
      file,
    ]);
    expect((await server.call<Health>("health")).instances).toEqual([]);
    await writeFile(file, JSON.stringify({ fleet: { work: { url } }, instances: ["work"] }));
    await expect
      .poll(async () => (await server.call<Health>("health")).instances, { timeout: 10_000 })
      .toMatchObject([{ instance: "work", state: "healthy" }]);
    expect(await server.call("delegate", { payload: { a: 1 } })).toMatchObject({
      instance: "work",
      result: { got: { a: 1 } },
    });
  });

  it("keeps sessions for the next server process", async () => {
    const env = await freshEnv();
    await fleetOf("A-B", ECHO, env);
    const first = await connect(env);
    await first.call("sessions_spawn", { sessionId: "s1", instance: "B" });
    await first.call("sessions_send", { sessionId: "s1", data: { n: 1 } });
    await first.client.close();
    const second = await connect(env);
    expect(await second.call("sessions_send", { sessionId: "s1", data: { n: 2 } })).toMatchObject({
      instance: "B",
      seq: 2,
    });
    const { transcript } = await second.call<{ transcript: unknown[] }>("sessions_history", {
      sessionId: "s1",
    });
    expect(transcript).toMatchObject([
      { seq: 1, data: { n: 1 }, reply: "done" },
      { seq: 2, data: { n: 2 }, reply: "done" },
    ]);
  });

  it("says which key is missing where an instance demands one", async () => {
    const env = await freshEnv();
    const keyed = { ...env, ORCHESTRATOR_API_KEY: "a-key-for-this-test" };
    const up = await fleetOf("A", ECHO, keyed);
    const [{ url }] = up.ready.instances as [{ url: string }];
    const server = await connect({ ...env, ORCHESTRATOR_INSTANCES: `A=${url}` });
    const { isError, text } = await server.raw("delegate", { instances: ["A"], payload: 1 });
    expect(isError).toBe(true);
    expect(text).toContain("instance_unauthorized");
    expect(text).toContain("ORCHESTRATOR_");
    const allowed = await connect(keyed);
    expect(await allowed.call("delegate", { instances: ["A"], payload: 1 })).toMatchObject({
      result: { got: 1 },
    });
  });

  it("stops the work at the instances on Ctrl-C in the middle of a fan-out", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A-C", slow(ledger, 30), env);
    const server = await connect(env);
    const fanout = server.raw("fanout", { targets: ["A-C"], payload: 1 }).catch((error: Error) => error);
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(3);
    const workers = (await linesOf(ledger)).map((line) => Number(line.split(" ")[1]));
    process.kill(server.pid, "SIGINT");
    await fanout;
    await expect.poll(() => isRunning(server.pid), { timeout: 15_000 }).toBe(false);
    await expect.poll(() => workers.filter(isRunning)).toEqual([]);
    const next = await connect(env);
    const { items } = await next.call<{ items: { counts: object }[] }>("runs_list");
    expect(items).toMatchObject([{ state: "ended", counts: { cancelled: 3 } }]);
  });

  it("answers a script that writes its requests and closes stdin, and keeps the run for the identical call", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A", slow(ledger, 1), env);
    const frames = [
      ...[{ id: 1, method: "initialize", params: INITIALIZE }, { method: "notifications/initialized" }],
      {
        id: 2,
        method: "tools/call",
        params: { name: "delegate", arguments: { instances: ["A"], payload: 1 } },
      },
    ];
    const input = frames.map((frame) => `${JSON.stringify({ jsonrpc: "2.0", ...frame })}\n`).join("");
    const ask = async () => {
      const child = spawn(NODE, [PROGRAM], { env, stdio: ["pipe", "pipe", "ignore"] });
      child.stdin.end(input);
      const lines = (await text(child.stdout)).trim().split("\n");
      return lines.map((line) => JSON.parse(line)).find(({ id }) => id === 2).result.structuredContent;
    };
    const first = await ask();
    expect(first).toMatchObject({ instance: "A", reply: "done", result: "slept" });
    expect(await ask()).toMatchObject({ runId: first.runId, result: "slept" });
    expect(await linesOf(ledger)).toHaveLength(2);
  });

  it("lets work go on when its client closes stdin, and keeps the answer", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A", slow(ledger, 2), env);
    const server = await connect(env);
    void server.raw("delegate", { instances: ["A"], payload: 1 }).catch(() => {});
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(1);
    // The official client would kill it after two seconds: only the pipe is closed here.
    (server.transport as unknown as { _process: { stdin: { end(): void } } })._process.stdin.end();
    await expect.poll(() => isRunning(server.pid), { timeout: 15_000 }).toBe(false);
    expect(await linesOf(ledger)).toHaveLength(2);
    const next = await connect(env);
    const { items } = await next.call<{ items: { runId: string }[] }>("runs_list");
    const [run] = items;
    expect(await next.call("runs_get", { runId: run?.runId })).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", reply: "done", result: "slept" }],
    });
  });

  it("loses nothing when it is killed in the middle of work: the next process finishes and reports it", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A-B", slow(ledger, 2), env);
    const server = await connect(env);
    const lost = server.raw("fanout", { targets: ["A", "B"], payload: 1 }).catch((error: Error) => error);
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(2);
    process.kill(server.pid, "SIGKILL");
    await lost;
    const next = await connect(env);
    const { items } = await next.call<{ items: { runId: string }[] }>("runs_list");
    expect(await next.call("runs_get", { runId: items[0]?.runId, wait: "20s" })).toMatchObject({
      state: "ended",
      outcomes: [
        { instance: "A", reply: "done", delivery: "accepted", result: "slept" },
        { instance: "B", reply: "done", delivery: "accepted", result: "slept" },
      ],
    });
    expect(await linesOf(ledger)).toHaveLength(4);
  });

  it("answers the identical call, once, after its client gave up waiting", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A", slow(ledger, 2), env);
    const server = await connect(env);
    const call = { name: "delegate", arguments: { instances: ["A"], payload: { job: 1 } } };
    await expect(server.client.callTool(call, undefined, { timeout: 1_000 })).rejects.toThrow(/timed out/i);
    const again = await server.client.callTool(call);
    expect(again.structuredContent).toMatchObject({ reply: "done", result: "slept" });
    expect(JSON.stringify(again.content)).toContain("nothing was sent again");
    expect((await linesOf(ledger)).filter((line) => line.startsWith("begin"))).toHaveLength(1);
  });

  it("keeps its connection when eight instances answer with 5 MB each, and shows where the rest is", async () => {
    const env = await freshEnv();
    await fleetOf("A-H", `read line\nprintf '"'; head -c 5000000 /dev/zero | tr '\\0' x; printf '"'\n`, env);
    const { client, call } = await connect(env);
    const { runId, outcomes } = await call<{ runId: string; outcomes: object[] }>("fanout", {
      ...{ targets: ["A-H"], payload: 1, resultTokens: 100_000 },
    });
    expect(outcomes).toEqual(
      Array.from({ length: 8 }, () => expect.objectContaining({ resultChars: 5_000_000 })),
    );
    const uri = `orchestrator://runs/${runId}/H?offset=4999990`;
    const { contents } = await client.readResource({ uri });
    expect((contents[0] as { text: string }).text).toContain("\nxxxxxxxxxx\nThis is the end of it.");
  });

  it("offers resources, prompts and completion, and tells of changes that another process makes", async () => {
    const env = await freshEnv();
    await fleetOf("A", ECHO, env);
    const [watcher, worker] = [await connect(env), await connect(env)];
    const told = new Promise<void>((resolve) => {
      watcher.client.setNotificationHandler(ResourceListChangedNotificationSchema, () => resolve());
    });
    expect((await watcher.client.listResources()).resources).toMatchObject([{ uri: "orchestrator://fleet" }]);
    const { runId } = await worker.call<{ runId: string }>("delegate", { instances: ["A"], payload: 1 });
    await told;
    const { resources } = await watcher.client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain(`orchestrator://runs/${runId}`);
    expect((await watcher.client.listPrompts()).prompts).toHaveLength(4);
    const { completion } = await watcher.client.complete({
      ref: { type: "ref/prompt", name: "ask_fleet" },
      argument: { name: "instances", value: "" },
    });
    expect(completion.values).toEqual(["A", "*"]);
    expect(watcher.stderr()).toBe("");
  });

  it("registers as a skill when the cluster appears later, and leaves when it ends", async () => {
    const env = await freshEnv();
    const before = await start(["serve", "--port", "0"], env);
    const { url } = before.ready as { url: string };
    await before.end();
    const server = await connect({ ...env, ORCHESTRATOR_CLUSTER_URL: url });
    expect((await server.call<Health>("health")).instances).toEqual([]);
    await start(["serve", "--port", new URL(url).port], env);
    const { request } = await import("undici");
    const skills = async () => {
      const { body } = await request(`${url}/api/cluster/members?kind=skill`);
      return ((await body.json()) as { members: { name: string }[] }).members.map(({ name }) => name);
    };
    await expect.poll(skills, { timeout: 40_000 }).toEqual(["orchestrator"]);
    await server.client.close();
    await expect.poll(skills, { timeout: 10_000 }).toEqual([]);
  });

  it("writes nothing but frames to stdout and nothing at all to stderr while all is well", async () => {
    const env = await freshEnv();
    await fleetOf("A", ECHO, env);
    const server = await connect(env);
    await server.call("fanout", { targets: ["*"], payload: 1, aggregate: { strategy: "collect" } });
    expect(server.stderr()).toBe("");
  });
});

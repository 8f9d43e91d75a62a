import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect, freshEnv, isRunning, run, type Started, start, tempFolder } from "../support/program.ts";

const KEY = "the-key-of-this-test";

/** A worker that notes each beginning and end, and takes a while. */
const slow = (ledger: string, seconds: number) =>
  `read line\necho "begin $$" >> ${ledger}\nsleep ${seconds}\necho "end $$" >> ${ledger}\necho '"slept"'\n`;

const linesOf = async (file: string) =>
  (await readFile(file, "utf8").catch(() => "")).trim().split("\n").filter(Boolean);

/** A cluster, which serves MCP too, with instances that run a shell script for each task. */
async function fleetOf(names: string, script: string, env: Record<string, string>): Promise<Started> {
  const file = join(await tempFolder(), "worker.sh");
  await writeFile(file, script);
  const up = await start(["up", "--port", "0", "--instances", names, "--", "sh", file], env);
  env.ORCHESTRATOR_CLUSTER_URL = up.ready.cluster as string;
  return up;
}

const ECHO = 'read line\nprintf \'{"got":%s}\' "$line"\n';

/** The official 1.x client at a URL; it ends with the test. */
async function clientAt(url: string, key?: string): Promise<Client> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const client = new Client({ name: "e2e", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  onTestFinished(() => client.close());
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
  const { structuredContent, isError, content } = await client.callTool({ name, arguments: args });
  const [{ text }] = content as [{ text: string }];
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  return { structured: structuredContent as any, isError: isError === true, text };
}

describe("/mcp of orchestrator up", () => {
  it("serves the tools over the same engine as the REST API", async () => {
    const env = await freshEnv();
    const up = await fleetOf("A-B", ECHO, env);
    const client = await clientAt(`${up.ready.cluster}/mcp`);
    expect((await client.listTools()).tools).toHaveLength(13);
    const { structured } = await call(client, "fanout", { targets: ["*"], payload: { n: 1 } });
    expect(structured.counts).toMatchObject({ total: 2, done: 2 });
    const shown = await run(["runs", "show", structured.runId, "--url", String(up.ready.cluster)], env);
    expect(JSON.parse(shown.stdout)).toMatchObject({ createdBy: "mcp:e2e", counts: { done: 2 } });
  });

  it("answers what is in flight when it is told to end", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    await fleetOf("A", slow(ledger, 2), env);
    const serve = await start(["serve", "--port", "0"], env);
    const client = await clientAt(`${serve.ready.url}/mcp`);
    const answer = call(client, "delegate", { instances: ["A"], payload: 1 });
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(1);
    const ended = serve.end("SIGTERM");
    expect((await answer).structured).toMatchObject({ reply: "done", result: "slept" });
    expect(await ended).toBe(0);
  });
});

describe("orchestrator mcp --http", () => {
  it("prints its URL, serves without a configuration, and ends on Ctrl-C", async () => {
    const env = await freshEnv();
    await fleetOf("A", ECHO, env);
    const mcp = await start(["mcp", "--http", "0"], env);
    expect(mcp.ready).toMatchObject({
      event: "ready",
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/),
    });
    const client = await clientAt(String(mcp.ready.url));
    await expect
      .poll(async () => (await call(client, "health")).structured.instances, { timeout: 10_000 })
      .toMatchObject([{ instance: "A", state: "healthy" }]);
    expect((await call(client, "delegate", { instances: ["A"], payload: 7 })).structured.result).toEqual({
      got: 7,
    });
    expect(await mcp.end("SIGINT")).toBe(130);
  });

  it("demands the key of its environment", async () => {
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY });
    const mcp = await start(["mcp", "--http", "0"], env);
    await expect(clientAt(String(mcp.ready.url))).rejects.toThrow(/unauthorized/);
    const client = await clientAt(String(mcp.ready.url), KEY);
    expect((await client.listTools()).tools).toHaveLength(13);
  });

  it("says what is wrong with where it is to listen", async () => {
    const env = await freshEnv();
    const mcp = await start(["mcp", "--http", "0"], env);
    const { port } = new URL(String(mcp.ready.url));
    for (const [args, code, words] of [
      [["--http", port], 1, /Port \d+ on 127\.0\.0\.1 is in use .* choose another port with --http/s],
      [["--http", "0", "--host", "0.0.0.0"], 2, /without a key would let anyone in/],
      [["--http", "no"], 2, /Expected 0 to 65535/],
      [["--host", "127.0.0.1"], 2, /--host is for --http/],
      [["--http", "0", "--url", "http://127.0.0.1:1"], 2, /give one of them/],
      [["--config", "x.json", "--url", "http://127.0.0.1:1"], 2, /give one of them/],
      [["--url", "nowhere"], 2, /--url: /],
      [["--http", "0", "--config", "/none/config.json"], 2, /\/none\/config\.json/],
    ] as const) {
      const ended = await run(["mcp", ...args], env);
      expect([args, ended.code, ended.stdout]).toEqual([args, code, ""]);
      expect(ended.stderr).toMatch(words);
    }
  });
});

describe("orchestrator mcp --url", () => {
  it("leaves work to the server, where it outlives the client", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    const up = await fleetOf("A", slow(ledger, 3), env);
    const url = String(up.ready.cluster);
    // A proxy has no state and no cluster of its own.
    const alone = await freshEnv();
    const proxy = await connect(alone, ["mcp", "--url", url]);
    void proxy.raw("delegate", { instances: ["A"], payload: 1 }).catch(() => {});
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(1);
    process.kill(proxy.pid, "SIGKILL");
    await expect.poll(() => isRunning(proxy.pid)).toBe(false);
    const next = await connect(alone, ["mcp", "--url", url]);
    const { items } = await next.call<{ items: { runId: string }[] }>("runs_list");
    expect(await next.call("runs_get", { runId: items[0]?.runId, wait: "20s" })).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", reply: "done", result: "slept" }],
    });
    expect(await linesOf(ledger)).toHaveLength(2);
  });

  it("is what $ORCHESTRATOR_URL says, also without arguments, with its key", async () => {
    const keyed = await freshEnv({ ORCHESTRATOR_API_KEY: KEY });
    await fleetOf("A", ECHO, keyed);
    const env = await freshEnv({ ORCHESTRATOR_URL: String(keyed.ORCHESTRATOR_CLUSTER_URL) });
    for (const args of [[], ["mcp"]]) {
      const refused = await connect(env, args);
      expect((await refused.raw("health")).text).toMatch(/^unauthorized: /);
      const proxy = await connect({ ...env, ORCHESTRATOR_API_KEY: KEY }, args);
      expect(await proxy.call("delegate", { instances: ["A"], payload: 1 })).toMatchObject({
        result: { got: 1 },
      });
    }
  });

  it("starts without its server, lists the tools, and finds the server when it comes", async () => {
    const env = await freshEnv();
    const serve = await start(["serve", "--port", "0"], env);
    const url = String(serve.ready.url);
    await serve.end();
    const proxy = await connect(env, ["mcp", "--url", url]);
    expect((await proxy.client.listTools()).tools).toHaveLength(13);
    const { isError, text } = await proxy.raw("health");
    expect([isError, text]).toEqual([
      true,
      expect.stringMatching(/^instance_down: The server at .* cannot be reached/),
    ]);
    await start(["serve", "--port", new URL(url).port], env);
    expect(await proxy.call("health")).toMatchObject({ instances: [] });
    expect(proxy.stderr()).toBe("");
    const lost = await connect({ ...env, ORCHESTRATOR_URL: "nowhere" });
    expect((await lost.raw("health")).text).toMatch(/^bad_request: The server's URL.*ORCHESTRATOR_URL/);
  });

  it("ends with its client, and on Ctrl-C, and leaves the work alone", async () => {
    const env = await freshEnv();
    const ledger = join(await tempFolder(), "ledger");
    const up = await fleetOf("A", slow(ledger, 3), env);
    const proxy = await connect(env, ["mcp", "--url", String(up.ready.cluster)]);
    void proxy.raw("delegate", { instances: ["A"], payload: 1 }).catch(() => {});
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(1);
    process.kill(proxy.pid, "SIGINT");
    await expect.poll(() => isRunning(proxy.pid), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => linesOf(ledger), { timeout: 10_000 }).toHaveLength(2);
    const idle = await connect(env, ["mcp", "--url", String(up.ready.cluster)]);
    await idle.client.close();
    await expect.poll(() => isRunning(idle.pid), { timeout: 10_000 }).toBe(false);
  });
});

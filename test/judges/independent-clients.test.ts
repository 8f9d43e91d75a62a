import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/program.ts";
import type { AiSdkTask } from "./ai-sdk-client.ts";
import { ECHO, type Reach, startFleet, TRANSPORTS, type Transport } from "./fleet.ts";
import { judge, newestNode } from "./judge.ts";

const run = promisify(execFile);
const AI_SDK = "2.0.99";
const MCPORTER = "0.12.3";

const CALLS: AiSdkTask["calls"] = [
  ["health", {}],
  ["delegate", { instances: ["B"], payload: { n: 1 } }],
  ["fanout", { targets: ["A-C"], payload: { n: 2 } }],
];

interface Seen {
  tools: string[];
  /** Structured ones. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  answers: any[];
}

async function sdk({ url, command, args, env }: Reach, transport: Transport): Promise<Seen> {
  const client = new Client({ name: "judge", version: "1.0.0" });
  const http = () => new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport === "HTTP" ? http() : new StdioClientTransport({ command, args, env }));
  try {
    const { tools } = await client.listTools();
    const answers = [];
    for (const [name, input] of CALLS) {
      const { structuredContent } = await client.callTool({ name, arguments: { ...input } });
      answers.push(structuredContent);
    }
    return { tools: tools.map(({ name }) => name), answers };
  } finally {
    await client.close();
  }
}

async function aiSdk(reach: Reach, transport: Transport): Promise<Seen> {
  const dist = join(await judge("@ai-sdk/mcp", AI_SDK, `ai-sdk-mcp-${AI_SDK}`), "dist");
  const task: AiSdkTask = {
    library: join(dist, "index.js"),
    stdio: join(dist, "mcp-stdio", "index.js"),
    ...{ reach, transport, calls: CALLS },
  };
  const script = fileURLToPath(new URL("ai-sdk-client.ts", import.meta.url));
  const { stdout } = await run(await newestNode(), [script, JSON.stringify(task)]);
  const { tools, answers } = JSON.parse(stdout) as Seen;
  return { tools, answers: answers.map(({ structuredContent }) => structuredContent) };
}

async function mcporter({ url, ...stdio }: Reach, transport: Transport): Promise<Seen> {
  const program = join(await judge("mcporter", MCPORTER), "dist", "cli.js");
  const home = await tempFolder();
  const config = join(home, "mcporter.json");
  const server = transport === "HTTP" ? { url } : stdio;
  await writeFile(config, JSON.stringify({ mcpServers: { orchestrator: server } }));
  const node = await newestNode();
  const env = { PATH: process.env.PATH, HOME: home };
  const said = async (...args: string[]) =>
    JSON.parse((await run(node, [program, "--config", config, ...args], { env, cwd: home })).stdout);
  const { tools } = await said("list", "orchestrator", "--json");
  const answers = [];
  for (const [name, input] of CALLS)
    answers.push(
      await said("call", `orchestrator.${name}`, "--args", JSON.stringify(input), "--output", "json"),
    );
  return { tools: tools.map(({ name }: { name: string }) => name), answers };
}

const CLIENTS = {
  "@modelcontextprotocol/sdk 1.x": sdk,
  [`@ai-sdk/mcp ${AI_SDK}`]: aiSdk,
  [`mcporter ${MCPORTER}`]: mcporter,
};

describe.each(Object.entries(CLIENTS))("the client %s", (_name, client) => {
  it("finds the tools and has them work, over stdio and HTTP", async () => {
    const reach = await startFleet(ECHO);
    const seen = await Promise.all(TRANSPORTS.map((transport) => client(reach, transport)));
    for (const { tools, answers } of seen) {
      expect(tools).toHaveLength(13);
      const [health, delegate, fanout] = answers;
      expect(health).toMatchObject({ summary: "3 instances: 3 healthy" });
      expect(delegate).toMatchObject({ instance: "B", reply: "done", result: { got: { n: 1 } } });
      expect(fanout).toMatchObject({ complete: true, counts: { total: 3, done: 3 } });
      for (const { result } of fanout.outcomes) expect(result).toEqual({ got: { n: 2 } });
    }
  });
});

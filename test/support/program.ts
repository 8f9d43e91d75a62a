import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { onTestFinished } from "vitest";

// The built product, as a person or a client starts it.

export const NODE = process.env.ORCHESTRATOR_TEST_NODE ?? process.execPath;
export const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** An environment of its own: no key, no configuration, its own state, and no cluster to be found. */
export async function freshEnv(more: Record<string, string> = {}): Promise<Record<string, string>> {
  const state = await tempFolder();
  const { PATH = "", HOME = "" } = process.env;
  return {
    PATH,
    HOME,
    XDG_CONFIG_HOME: join(state, "config"),
    ORCHESTRATOR_STATE_DIR: join(state, "state"),
    ORCHESTRATOR_CLUSTER_URL: "http://127.0.0.1:9",
    ...more,
  };
}

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "orchestrator-e2e-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export function run(args: string[], env: Record<string, string>, cwd?: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(NODE, [PROGRAM, ...args], { env, cwd, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

export interface Started {
  process: ChildProcess;
  /** The line that a command prints when it is ready. */
  ready: Record<string, unknown>;
  stderr: () => string;
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that goes on, and waits until it says that it is ready. */
export async function start(args: string[], env: Record<string, string>, cwd?: string): Promise<Started> {
  const child = spawn(NODE, [PROGRAM, ...args], { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exited = once(child, "exit");
  const end = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  onTestFinished(async () => void (await end()));
  const ended = exited.then(([code]) => {
    throw new Error(`${args[0]} ended with ${code}: ${stderr}`);
  });
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])) as [
    string,
  ];
  ended.catch(() => {});
  return { process: child, ready: JSON.parse(line), stderr: () => stderr, end };
}

export interface McpServer {
  client: Client;
  transport: StdioClientTransport;
  pid: number;
  stderr: () => string;
  /** A tool's structured answer; a tool error is thrown with its text. */
  call<T = Record<string, unknown>>(name: string, args?: Record<string, unknown>): Promise<T>;
  /** A tool's answer as it came. */
  raw(name: string, args?: Record<string, unknown>): Promise<{ isError?: boolean; text: string }>;
}

/** The MCP server with the official 1.x client at its other end. */
export async function connect(env: Record<string, string>, args: string[] = []): Promise<McpServer> {
  const transport = new StdioClientTransport({
    command: NODE,
    args: [PROGRAM, ...args],
    env,
    stderr: "pipe",
  });
  let stderr = "";
  transport.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  const client = new Client({ name: "e2e", version: "1.0.0" });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const raw: McpServer["raw"] = async (name, args = {}) => {
    const answer = await client.callTool({ name, arguments: args });
    const [content] = answer.content as { text: string }[];
    return { isError: answer.isError === true, text: content?.text ?? "" };
  };
  return {
    client,
    transport,
    pid: transport.pid as number,
    stderr: () => stderr,
    raw,
    async call<T>(name: string, args = {}) {
      const answer = await client.callTool({ name, arguments: args });
      if (answer.isError) throw new Error((answer.content as { text: string }[])[0]?.text);
      return answer.structuredContent as T;
    },
  };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

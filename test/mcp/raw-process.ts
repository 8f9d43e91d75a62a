import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { type RawClient, rawClient } from "./raw-client.ts";

export interface RawProcess {
  client: RawClient;
  /** What it has written to stderr. */
  stderr: () => string;
  kill(): Promise<number | null>;
  /** Closes its stdin, as a client does that ends. */
  leave(): Promise<number | null>;
}

/** An MCP server in a process of its own, with a client that takes tasks; both end with the test. */
export function startRaw(program: string, args: string[], env?: Record<string, string>): RawProcess {
  const child = spawn(program, args, { stdio: "pipe", ...(env && { env }) });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const end = async (how: () => void) => {
    how();
    return exited;
  };
  const kill = () => end(() => child.kill("SIGKILL"));
  onTestFinished(async () => void (await kill()));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const client = rawClient({
    send: (message: JSONRPCMessage) => child.stdin.write(`${JSON.stringify(message)}\n`),
    listen: (take) => createInterface(child.stdout).on("line", (line) => take(JSON.parse(line))),
    close: async () => {},
  });
  return { client, stderr: () => stderr, kill, leave: () => end(() => child.stdin.end()) };
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freshEnv, NODE, PROGRAM, start, tempFolder } from "../support/program.ts";

/** How a client of others reaches the built product. */
export interface Reach {
  /** MCP over HTTP, at the cluster. */
  url: string;
  /** Starts MCP on stdio. */
  command: string;
  args: string[];
  env: Record<string, string>;
}

export const TRANSPORTS = ["stdio", "HTTP"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** The instances A to C, which do with each task what the shell script says; they end with the test. */
export async function startFleet(worker: string): Promise<Reach> {
  const env = await freshEnv();
  const script = join(await tempFolder(), "worker.sh");
  await writeFile(script, worker);
  const up = await start(["up", "--port", "0", "--instances", "A-C", "--", "sh", script], env);
  const cluster = String(up.ready.cluster);
  env.ORCHESTRATOR_CLUSTER_URL = cluster;
  return { url: `${cluster}/mcp`, command: NODE, args: [PROGRAM], env };
}

/** A worker that says what it got. */
export const ECHO = `read -r line
printf '{"got":%s}' "$line"
`;

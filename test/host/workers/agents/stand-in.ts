import { chmod } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import type { JsonObject } from "../../../../src/core/json.ts";
import { type AgentOptions, createAgentWorker } from "../../../../src/host/workers/agent.ts";
import { startHost, type TestHost } from "../../harness.ts";
import { folderOf } from "../folder.ts";

const PROGRAM = fileURLToPath(new URL("stand-in.mjs", import.meta.url));

/** Puts a program in PATH that behaves like the agent, with a home of its own. Returns that home. */
export async function standIn(agent: string): Promise<string> {
  const script = `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' ${agent} "$@"\n`;
  const home = await folderOf({ [`bin/${agent}`]: script });
  await chmod(join(home, "bin", agent), 0o755);
  vi.stubEnv("HOME", home);
  vi.stubEnv("PATH", `${join(home, "bin")}${delimiter}${process.env.PATH}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return home;
}

/** A host over the agent that stands in PATH. */
export async function host(
  agent: string,
  more: Partial<AgentOptions> = {},
  store?: TestHost["store"],
): Promise<TestHost> {
  const worker = await createAgentWorker({ agent, ...more });
  onTestFinished(() => worker.close());
  return startHost({ worker, ...(store && { store }) });
}

/** What the stand-in knew of a call that it answered. */
export interface Known {
  /** What it was asked in this conversation, the last one last. */
  heard: string[];
  args: string[];
  cwd: string;
  /** Names of its variables. */
  env: string[];
}

export function known(answer: JsonObject): Known {
  return JSON.parse(String(answer.result)) as Known;
}

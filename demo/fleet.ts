import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export const PROGRAM = new URL("../dist/main.js", import.meta.url).pathname;

export interface Fleet {
  cluster: string;
  instances: { instance: string; url: string; pid: number; facts: { files: number; sections: number } }[];
  /** Every process of the fleet. */
  pids: number[];
  stop(): Promise<void>;
}

/** `orchestrator up`: a cluster and eight instances, each with its eighth of the corpus. */
export async function startFleet(root: string, env: NodeJS.ProcessEnv): Promise<Fleet> {
  const up = spawn(
    process.execPath,
    [
      PROGRAM,
      "up",
      "--port",
      "0",
      "--instances",
      "A-H",
      "--worker",
      "search",
      "--root",
      root,
      "--only",
      ".md",
    ],
    // Its progress line goes to the person who watches.
    { env, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ready = JSON.parse(await firstLine(up)) as Omit<Fleet, "pids" | "stop">;
  return {
    ...ready,
    pids: [up.pid as number, ...ready.instances.map(({ pid }) => pid)],
    async stop() {
      if (up.exitCode !== null) return;
      up.kill("SIGINT");
      await once(up, "exit");
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`orchestrator up ended with exit code ${code} before the fleet was ready`);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  return line;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

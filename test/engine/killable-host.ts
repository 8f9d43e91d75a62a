import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onEnd } from "../host/harness.ts";

const program = fileURLToPath(new URL("../host/host-process.ts", import.meta.url));

/** Host A in a process of its own, which can be killed and started again: same port, same journal. */
export interface KillableHost {
  origin: string;
  /** What its worker was given, over all its lives. */
  ledger(): Promise<string[]>;
  kill(): Promise<void>;
  startAgain(): Promise<void>;
}

export async function killableHost(): Promise<KillableHost> {
  const folder = await mkdtemp(join(tmpdir(), "owner-"));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  const runs = join(folder, "runs");
  let child: ChildProcess | undefined;

  async function start(port: string): Promise<string> {
    const started = spawn(
      process.execPath,
      ["--import", "tsx", program, join(folder, "journal.db"), runs, port],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    child = started;
    const ended = once(started, "exit").then(() => Promise.reject(new Error("the host did not start")));
    const [line] = (await Promise.race([once(started.stdout, "data"), ended])) as [Buffer];
    ended.catch(() => {});
    return line.toString().trim();
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    // By then whoever has connections to it has learnt that they are closed.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  onEnd(kill);
  const origin = await start("0");
  return {
    origin,
    ledger: async () =>
      existsSync(runs)
        ? (await readFile(runs, "utf8"))
            .trim()
            .split("\n")
            .map((line) => String(JSON.parse(line)))
        : [],
    kill,
    startAgain: async () => {
      await start(new URL(origin).port);
    },
  };
}

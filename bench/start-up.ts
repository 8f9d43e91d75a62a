import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROUNDS = 15;
const BARE = fileURLToPath(new URL("./bare-server.mjs", import.meta.url));
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

const INITIALIZE = {
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "bench", version: "1" },
  },
};

interface Start {
  /** From the spawn to the answer of `tools/list`. */
  ms: number;
  /** Resident then, where the system tells. */
  kib?: number;
}

/**
 * From spawn to `tools/list`, against a bare server of the SDK with one tool, in turn. `$ORCHESTRATOR_BENCH_NODE` is
 * a newer Node, whose compile cache ours uses.
 */
export async function startsFast(): Promise<boolean> {
  const newer = process.env.ORCHESTRATOR_BENCH_NODE;
  const here = await against(process.execPath, 0.75);
  return newer === undefined ? here : (await against(newer, 0.65)) && here;
}

async function against(node: string, goal: number): Promise<boolean> {
  const state = await mkdtemp(join(tmpdir(), "orchestrator-bench-"));
  const env = {
    ...{ PATH: process.env.PATH, HOME: state, XDG_CONFIG_HOME: state },
    ...{ ORCHESTRATOR_STATE_DIR: state, ORCHESTRATOR_CLUSTER_URL: "http://127.0.0.1:9" },
    // Where ours keeps what was compiled.
    TMPDIR: state,
  };
  const [bare, ours]: [Start[], Start[]] = [[], []];
  try {
    // The first of each warms the caches of the disk and of the compiler.
    for (let round = -1; round < ROUNDS; round++) {
      const [theirs, mine] = [await start(node, BARE, env), await start(node, MAIN, env)];
      if (round < 0) continue;
      bare.push(theirs);
      ours.push(mine);
    }
  } finally {
    await rm(state, { recursive: true, force: true });
  }
  const [ms, kib] = [ratioOf(bare, ours, "ms"), ratioOf(bare, ours, "kib")];
  const version = (await said(node)).trim();
  const isMet = ms.ratio <= goal && !(kib.ratio > 1);
  console.error(
    `start to tools/list on Node ${version}: ${Math.round(ms.ours)} ms, bare SDK server ${Math.round(ms.bare)} ms, ratio ${ms.ratio.toFixed(2)} (<= ${goal}); resident ${mib(kib.ours)}, bare ${mib(kib.bare)}, ratio ${kib.ratio.toFixed(2)} (<= 1): ${isMet ? "met" : "MISSED"}`,
  );
  return isMet;
}

function ratioOf(bare: readonly Start[], ours: readonly Start[], of: "ms" | "kib") {
  const median = (starts: readonly Start[]) =>
    starts.map((each) => each[of] ?? Number.NaN).sort((a, b) => a - b)[Math.floor(starts.length / 2)] ??
    Number.NaN;
  return { bare: median(bare), ours: median(ours), ratio: median(ours) / median(bare) };
}

function mib(kib: number): string {
  return `${(kib / 1024).toFixed(1)} MiB`;
}

async function start(node: string, program: string, env: Record<string, string | undefined>): Promise<Start> {
  const startedAt = performance.now();
  const child = spawn(node, [program], { env, stdio: "pipe" });
  const lines = createInterface({ input: child.stdout });
  send(child, { id: 1, ...INITIALIZE });
  await once(lines, "line");
  send(child, { method: "notifications/initialized" });
  send(child, { id: 2, method: "tools/list" });
  await once(lines, "line");
  const ms = performance.now() - startedAt;
  const kib = await resident(child.pid);
  child.stdin.end();
  await once(child, "exit");
  return { ms, ...(kib !== undefined && { kib }) };
}

function send(child: ChildProcessWithoutNullStreams, message: object): void {
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

async function resident(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
  return kib === undefined ? undefined : Number(kib);
}

async function said(node: string): Promise<string> {
  const child = spawn(node, ["-p", "process.versions.node"]);
  const [chunk] = await once(child.stdout, "data");
  return String(chunk);
}

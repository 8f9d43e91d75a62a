import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const OPENCLAW = "2026.9.6";
const NODE_MAJOR = "24";

export interface Installed {
  /** Node of the version that the gateway asks for. */
  node: string;
  openclaw: string;
}

/**
 * A real OpenClaw with a Node that it runs on, in a cache folder: some 850 MB, from the registry that npm is
 * set to use. `ORCHESTRATOR_E2E_CACHE` names another folder than the operating system's.
 */
export async function install(): Promise<Installed> {
  const cache = process.env.ORCHESTRATOR_E2E_CACHE ?? join(osCache(), "orchestrator-e2e");
  const node = join(cache, "node", "node_modules", "node", "bin", "node");
  const openclaw = join(cache, "gateway", "node_modules", "openclaw", "openclaw.mjs");
  // The registry's Node comes through its install script; OpenClaw needs none of the scripts of its packages.
  if (!(await has(node, ["--version"], `v${NODE_MAJOR}.`)))
    await npm(join(cache, "node"), [`node@${NODE_MAJOR}`], process.env.PATH);
  if (!(await isOpenClaw(openclaw)))
    await npm(
      join(cache, "gateway"),
      ["--ignore-scripts", `openclaw@${OPENCLAW}`],
      `${dirname(node)}:${process.env.PATH}`,
    );
  return { node, openclaw };
}

function osCache(): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  return process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
}

async function npm(folder: string, args: string[], path = ""): Promise<void> {
  process.stdout.write(`installing ${args.at(-1)} into ${folder}\n`);
  await mkdir(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) await writeFile(manifest, '{"private":true}');
  const env = { ...process.env, PATH: path };
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...args], { cwd: folder, env });
}

async function has(program: string, args: string[], start: string): Promise<boolean> {
  if (!existsSync(program)) return false;
  const { stdout } = await promisify(execFile)(program, args);
  return stdout.startsWith(start);
}

async function isOpenClaw(program: string): Promise<boolean> {
  if (!existsSync(program)) return false;
  const { version } = JSON.parse(await readFile(join(dirname(program), "package.json"), "utf8"));
  return version === OPENCLAW;
}

import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const NEWEST_LTS = "24";

/** Beside the Node that .ci/run keeps there: outside of this package and its dependencies. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "orchestrator-ci");

const found = new Map<string, Promise<string>>();

/** The folder of a package, which comes from the registry once. */
export function judge(name: string, version: string, kept = `${basename(name)}-${version}`): Promise<string> {
  const folder = found.get(kept) ?? install(name, version, kept);
  found.set(kept, folder);
  return folder;
}

async function install(name: string, version: string, kept: string): Promise<string> {
  const folder = join(CACHE, kept);
  const installed = join(folder, "node_modules", name);
  const isThere = await access(join(installed, "package.json")).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const quiet = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", "--prefix", folder, ...quiet, `${name}@${version}`]);
  }
  return installed;
}

/** A Node of the newest LTS line, which some judges ask for; the one that .ci/run tests with. */
export async function newestNode(): Promise<string> {
  const platform = process.platform.replace("win32", "win");
  const node = await judge(`node-${platform}-${process.arch}`, NEWEST_LTS, `node-${NEWEST_LTS}`);
  return join(node, "bin", "node");
}

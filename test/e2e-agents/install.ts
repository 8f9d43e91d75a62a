import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What the files of src/host/workers/agents/ say was established on these. */
const PINNED = ["@anthropic-ai/claude-code@2.1.332", "@openai/codex@0.169.0"];

/**
 * The real agents in a cache folder, from the registry that npm is set to use; the folder of their programs.
 * `ORCHESTRATOR_E2E_CACHE` names another folder than the user's cache.
 */
export async function installAgents(): Promise<string> {
  const cache = process.env.ORCHESTRATOR_E2E_CACHE ?? join(homedir(), ".cache", "orchestrator-e2e");
  const folder = join(cache, "agents", PINNED.join("+").replaceAll("/", "-"));
  const programs = join(folder, "node_modules", ".bin");
  if (existsSync(join(folder, "installed"))) return programs;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{"private":true}');
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...PINNED], { cwd: folder });
  await writeFile(join(folder, "installed"), "");
  return programs;
}

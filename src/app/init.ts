import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { userConfigFile } from "../config/file.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Env } from "./app.ts";

/** What works without any configuration, spelled out, with an empty fleet to fill. */
const FIRST_CONFIG = {
  fleet: {},
  cluster: { url: "http://127.0.0.1:7411" },
  timeout: "10m",
  wait: "45s",
  retries: 3,
  healthInterval: "60s",
};

/** Writes a first configuration and returns its path; one that is there is kept, unless forced. */
export async function writeFirstConfig(
  { config, force }: { config?: string; force: boolean },
  env: Env = process.env,
): Promise<string> {
  const file = resolve(config ?? env.ORCHESTRATOR_CONFIG ?? userConfigFile());
  if (existsSync(file) && !force) {
    throw new OrchestratorError("conflict", `${file} is there already.`, {
      action: "Edit it, name another file with --config, or write over it with --force.",
    });
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(FIRST_CONFIG, null, 2)}\n`, { mode: 0o600 });
  return file;
}

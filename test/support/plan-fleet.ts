import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freshEnv, start, tempFolder } from "./program.ts";

/** An environment whose fleet is instances that do each task by a module of this source, and their ledger. */
export async function moduleFleet(
  names: readonly string[],
  source: string,
  args: readonly string[] = [],
): Promise<{ env: Record<string, string>; urls: Record<string, string>; folder: string }> {
  const folder = await tempFolder();
  const module = join(folder, "worker.mjs");
  await writeFile(module, source);
  const urls = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const env = await freshEnv();
      const { ready } = await start(["instance", "--name", name, "--module", module, ...args], env);
      return [name, String(ready.url)];
    }),
  );
  const env = await freshEnv({ ORCHESTRATOR_INSTANCES: urls.map((pair) => pair.join("=")).join(",") });
  return { env, urls: Object.fromEntries(urls), folder };
}

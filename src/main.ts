import { readFileSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

// What was compiled is kept for the next start, from Node 22.8 on; only what is imported from here on counts.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const program = fileURLToPath(import.meta.url);
const args = process.argv.slice(2);
const { createActions } = await import("./app/actions.ts");
const actions = createActions(program, version);

// No timer of ours keeps the process alive, so a command that only waits must.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await run();
clearInterval(alive);

async function run(): Promise<number> {
  if (args.length > 0) return (await import("./cli/program.ts")).runCommandLine(args, actions);
  // As for every other command, this is where the engine is.
  const url = process.env.ORCHESTRATOR_URL;
  if (process.stdin.isTTY) return (await import("./cli/introduce.ts")).introduce(program, version);
  const { runUntilStopped } = await import("./cli/run-until-stopped.ts");
  return runUntilStopped(await actions.mcp(url ? { url } : {}));
}

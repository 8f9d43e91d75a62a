import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createActions } from "./app/actions.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const program = fileURLToPath(import.meta.url);
const args = process.argv.slice(2);
const actions = createActions(program, version);

// No timer of ours keeps the process alive, so a command that only waits must.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await run();
clearInterval(alive);

async function run(): Promise<number> {
  if (args.length > 0) return (await import("./cli/program.ts")).runCommandLine(args, actions);
  if (process.stdin.isTTY) return (await import("./cli/introduce.ts")).introduce(program, version);
  const { runUntilStopped } = await import("./cli/run-until-stopped.ts");
  return runUntilStopped(await actions.mcp({}));
}

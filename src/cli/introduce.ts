import { basename } from "node:path";
import { EXIT } from "./exit.ts";
import { print } from "./output.ts";

/** What a person sees who starts the program by hand: a server on stdio would wait in silence. */
export function introduce(program: string, version: string): number {
  const self = commandOf(program);
  print(`orchestrator ${version}: an MCP server through which an assistant runs a fleet of agent instances.

Without arguments it speaks MCP on stdin and stdout, so it is a client that starts it:

  Claude Code   claude mcp add orchestrator --scope user -- node ${program}
  Codex         codex mcp add orchestrator -- node ${program}
  Gemini CLI    gemini mcp add --scope user orchestrator node ${program}
  OpenClaw      openclaw mcp add orchestrator --command node --arg ${program}
  others        {"mcpServers":{"orchestrator":{"command":"node","args":["${program}"]}}}

To play with it, start a fleet here and look at it from another terminal:

  ${self} up
  ${self} health --instances A-H

\`${self} --help\` lists the commands.`);
  return EXIT.done;
}

/** How this program was started, so that what is printed can be typed again. */
export function commandOf(program: string): string {
  const started = basename(process.argv[1] ?? "");
  return started.startsWith("orchestrator") ? started : `node ${program}`;
}

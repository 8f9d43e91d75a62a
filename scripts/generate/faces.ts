import { TOOLS } from "../../src/mcp/tools/index.ts";
import { commands } from "./commands.ts";
import { code, codes, table } from "./markdown.ts";
import { hasCall, pathOf } from "./rest.ts";

/** Tools whose command has another name, or which are more than one. */
const COMMANDS: Record<string, readonly string[]> = {
  delegate: ["route"],
  runs_get: ["runs wait", "runs show"],
  runs_list: ["runs list"],
  runs_cancel: ["runs cancel"],
};

/** Tools whose call of the REST API has another name. */
const CALLS: Record<string, string> = { delegate: "route" };

/** The same use case as a tool, as commands, and as a call of the REST API. */
export function faces(): string {
  return table(
    ["tool", "command", "REST call"],
    TOOLS.map(({ name }) => {
      const own = (COMMANDS[name] ?? [name]).filter((each) => commands.some((known) => known.name === each));
      const call = CALLS[name] ?? name;
      return [
        code(name),
        own.length === 0 ? "not yet" : codes(own.map((each) => `orchestrator ${each}`)),
        hasCall(call) ? code(pathOf(call)) : "not yet",
      ];
    }),
  );
}

import { Command } from "commander";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption } from "../options.ts";
import { runUntilStopped } from "../run-until-stopped.ts";

/** `orchestrator mcp` */
export const mcpCommand: CommandBuilder = (actions, exit) =>
  new Command("mcp")
    .description("the MCP server on stdio, as without any arguments")
    .addOption(configOption())
    .option("--tools <names...>", "show only these tools, such as health delegate fanout")
    .option("--read-only", "show only tools that change nothing anywhere")
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator mcp --config config.json\n  orchestrator mcp --tools health delegate fanout runs_get",
    )
    .action(async ({ tools, ...options }: Options) => {
      const only = tools?.flatMap((name) => name.split(",")).filter(Boolean);
      exit(await runUntilStopped(await actions.mcp({ ...options, only })));
    });

interface Options {
  config?: string;
  tools?: string[];
  readOnly?: boolean;
}

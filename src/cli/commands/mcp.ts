import { Command } from "commander";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption } from "../options.ts";
import { runUntilStopped } from "../run-until-stopped.ts";

/** `orchestrator mcp` */
export const mcpCommand: CommandBuilder = (actions, exit) =>
  new Command("mcp")
    .description("the MCP server on stdio, as without any arguments")
    .addOption(configOption())
    .addHelpText("after", "\nExample:\n  orchestrator mcp --config config.json")
    .action(async (options: { config?: string }) => exit(await runUntilStopped(await actions.mcp(options))));

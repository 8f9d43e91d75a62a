import { Command } from "commander";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption } from "../options.ts";
import { print } from "../output.ts";

/** `orchestrator init` */
export const initCommand: CommandBuilder = (actions) =>
  new Command("init")
    .description("writes a first configuration and prints its path")
    .addOption(configOption())
    .option("--force", "write over one that is there", false)
    .addHelpText("after", "\nExample:\n  orchestrator init --config ./config.json")
    .action(async (options: { config?: string; force: boolean }) => print(await actions.init(options)));

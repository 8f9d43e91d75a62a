import { Command } from "commander";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption, DEFAULT_PORT, hostOption, portOption } from "../options.ts";
import { printJson, say } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";

/** `orchestrator serve` */
export const serveCommand: CommandBuilder = (actions, exit) =>
  new Command("serve")
    .description("the cluster API, with which instances and skills register")
    .addOption(configOption())
    .addOption(hostOption())
    .addOption(portOption(DEFAULT_PORT))
    .addHelpText("after", "\nExample:\n  orchestrator serve --port 7411")
    .action(async (options: { config?: string; host: string; port: number }) => {
      const running = await actions.serve(options);
      const ready = { event: "ready", url: running.origin, pid: process.pid };
      process.send?.(ready);
      if (process.stdout.isTTY) say(`The cluster listens at ${running.origin}. Ctrl-C stops it.`);
      else printJson(ready);
      exit(await runUntilStopped(running));
    });

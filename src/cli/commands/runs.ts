import { Command } from "commander";
import type { CommandBuilder } from "../command-builder.ts";
import { runsCancelCommand } from "./runs-cancel.ts";
import { runsListCommand } from "./runs-list.ts";
import { runsShowCommand } from "./runs-show.ts";
import { runsWaitCommand } from "./runs-wait.ts";

/** `orchestrator runs list|show|wait|cancel` */
export const runsCommand: CommandBuilder = (actions, exit) => {
  const command = new Command("runs")
    .description("the stored runs: list, show, wait, cancel")
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator runs list --limit 10\n  orchestrator runs show run-m3x9-Zk1 --instance B --offset 20000\n  orchestrator runs wait run-m3x9-Zk1 --wait 10m\n  orchestrator runs cancel run-m3x9-Zk1",
    );
  for (const build of [runsListCommand, runsShowCommand, runsWaitCommand, runsCancelCommand])
    command.addCommand(build(actions, exit));
  return command;
};

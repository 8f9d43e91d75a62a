import { Command } from "commander";
import type { PageCall } from "../../core/calls.ts";
import type { RunView } from "../../core/run-answers.ts";
import { addCallOptions, type CallOptions, pageOptions } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { show } from "../output.ts";
import { pageTable } from "../page-table.ts";
import { countsLine } from "../text.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** `orchestrator runs list` */
export const runsListCommand: CommandBuilder = (actions) => {
  const command = new Command("list").description("the stored runs, the newest first");
  for (const option of pageOptions()) command.addOption(option);
  return addCallOptions(command)
    .addHelpText("after", "\nExample:\n  orchestrator runs list --limit 10")
    .action(async (options: CallOptions & PageCall) => {
      const { limit, after, output } = options;
      const page = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.runsList({ limit, after }),
      );
      show(output, page, () =>
        pageTable(["RUN", "OPERATION", "STATE", "CREATED", "BY", "REPLIES"], page, row),
      );
    });
};

function row({ runId, operation, state, createdAt, createdBy, counts }: RunView): string[] {
  return [runId, operation, state, createdAt, createdBy, countsLine(counts)];
}

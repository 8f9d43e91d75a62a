import { Command } from "commander";
import type { SessionView } from "../../core/answers.ts";
import type { PageCall } from "../../core/calls.ts";
import { addCallOptions, type CallOptions, pageOptions } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { show } from "../output.ts";
import { pageTable } from "../page-table.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** `orchestrator sessions_list` */
export const sessionsListCommand: CommandBuilder = (actions) => {
  const command = new Command("sessions_list").description("the stored sessions, open and closed");
  for (const option of pageOptions()) command.addOption(option);
  return addCallOptions(command)
    .addHelpText("after", "\nExample:\n  orchestrator sessions_list --limit 20")
    .action(async (options: CallOptions & PageCall) => {
      const { limit, after, output } = options;
      const page = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.sessionsList({ limit, after }),
      );
      const head = ["SESSION", "INSTANCE", "STATE", "MESSAGES", "CREATED", "BY"];
      show(output, page, () => pageTable(head, page, row));
    });
};

function row({ sessionId, instance, state, messages, createdAt, createdBy }: SessionView): string[] {
  return [sessionId, instance, state, String(messages), createdAt, createdBy];
}

import { Command } from "commander";
import { addCallOptions, type CallOptions, sessionOption, tokenOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { show } from "../output.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  id: string;
  token?: string;
}

/** `orchestrator sessions_close` */
export const sessionsCloseCommand: CommandBuilder = (actions) =>
  addCallOptions(
    new Command("sessions_close")
      .description("closes a session: its owner forgets it, and its transcript stays readable")
      .addOption(sessionOption())
      .addOption(tokenOption()),
  )
    .addHelpText("after", "\nExample:\n  orchestrator sessions_close --id session1")
    .action(async (options: Options) => {
      const { id, token, output } = options;
      const closed = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.sessionsClose({ sessionId: id, token }),
      );
      const { sessionId, instance, messages } = closed;
      show(output, closed, () => `Session ${sessionId} at ${instance} is closed. Messages: ${messages}`);
    });

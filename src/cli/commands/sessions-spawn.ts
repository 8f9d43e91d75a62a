import { Command, Option } from "commander";
import type { OnInstanceDown } from "../../core/session.ts";
import { ON_INSTANCE_DOWN } from "../../core/session.ts";
import { addCallOptions, type CallOptions, sessionOption, wordOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { show } from "../output.ts";
import { table } from "../table.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  id: string;
  instance?: string[];
  onInstanceDown?: OnInstanceDown;
}

/** `orchestrator sessions_spawn` */
export const sessionsSpawnCommand: CommandBuilder = (actions) =>
  addCallOptions(
    new Command("sessions_spawn")
      .description("opens a conversation that one instance owns and remembers")
      .addOption(sessionOption())
      .addOption(new Option("--instances, --instance <names...>", "who may own it; default any of the fleet"))
      .addOption(
        wordOption("--on-instance-down <what>", "when its owner is down; default fail", ON_INSTANCE_DOWN),
      ),
  )
    .addHelpText("after", "\nExample:\n  orchestrator sessions_spawn --id session1")
    .action(async (options: Options) => {
      const { id, instance, onInstanceDown, output } = options;
      // The token is given out once, and whoever typed this wanted to have it.
      const call = { sessionId: id, instance, onInstanceDown, withToken: true };
      const spawned = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.sessionsSpawn(call),
      );
      const { sessionId, token = "", instance: owner } = spawned;
      show(output, { sessionId, token, instance: owner }, () =>
        table([
          ["SESSION", "INSTANCE", "TOKEN"],
          [sessionId, owner, token],
        ]),
      );
    });

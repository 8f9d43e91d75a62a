import { Command } from "commander";
import type { RunDetail } from "../../core/run-answers.ts";
import { addCallOptions, type CallOptions } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { mayGoOn } from "../fates.ts";
import { show } from "../output.ts";
import { runWords } from "../run-words.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** `orchestrator runs cancel` */
export const runsCancelCommand: CommandBuilder = (actions, exit) =>
  addCallOptions(
    new Command("cancel")
      .description("stops a run at its instances and says what became of the work at each")
      .argument("<run>", "the run's id"),
  )
    .addHelpText("after", "\nExample:\n  orchestrator runs cancel run-m3x9-Zk1")
    .action(async (runId: string, options: CallOptions) => {
      const run = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.runsCancel({ runId }),
      );
      show(options.output, run, () => runWords(run));
      exit(exitCode(run));
    });

/** Done is what was asked for: that nobody works on it any more. */
function exitCode({ outcomes }: RunDetail): number {
  const goingOn = outcomes.filter(mayGoOn).length;
  if (goingOn === 0) return EXIT.done;
  return goingOn < outcomes.length ? EXIT.partly : EXIT.failed;
}

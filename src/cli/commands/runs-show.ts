import { Command } from "commander";
import type { ResultPage, RunDetail } from "../../core/run-answers.ts";
import { addCallOptions, type CallOptions, numberOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { say, show } from "../output.ts";
import { runWords } from "../run-words.ts";
import { plain } from "../text.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  instance?: string;
  step?: string;
  value?: boolean;
  offset?: number;
}

/** `orchestrator runs show` */
export const runsShowCommand: CommandBuilder = (actions) =>
  addCallOptions(
    new Command("show")
      .description("a run with its outcomes, or the whole result of one instance in pages")
      .argument("<run>", "the run's id")
      .option("--instance <name>", "only this one's result, as text")
      .option("--step <id>", "of a plan: only this step's value, as text")
      .option("--value", "of a plan: only what it came to, as text")
      .addOption(numberOption("--offset <n>", "where the page begins, in characters")),
  )
    .addHelpText("after", "\nExample:\n  orchestrator runs show run-m3x9-Zk1 --instance B --offset 20000")
    .action(async (runId: string, options: Options) => {
      const { instance, step, value, offset, output } = options;
      const found = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.runsGet({ runId, instance, step, value, offset }),
      );
      show(output, found, () => words(found));
    });

function words(found: RunDetail | ResultPage): string {
  if (!("text" in found)) return runWords(found);
  const { offset, text, totalChars, nextOffset, reply } = found;
  if (totalChars === 0) return `There is no result: the reply is ${reply}.`;
  const end = offset + text.length;
  const more = nextOffset === undefined ? "" : `; go on with --offset ${nextOffset}`;
  say(`Characters ${offset} to ${end} of ${totalChars}${more}`);
  return plain(text);
}

import { Command, Option } from "commander";
import { AGGREGATION_STRATEGIES, type AggregationStrategy } from "../../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../../core/answers.ts";
import type { AggregateCall, AggregateOptions } from "../../core/calls.ts";
import { aggregateWords } from "../aggregate-words.ts";
import { addCallOptions, type CallOptions, strategyOptions, wordOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { usage } from "../flags.ts";
import { readJsonArgument } from "../json-argument.ts";
import { outcomeTable } from "../outcome-table.ts";
import { show } from "../output.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions, AggregateOptions {
  runId?: string;
  responses?: string;
  strategy: AggregationStrategy;
}

/** `orchestrator aggregate` */
export const aggregateCommand: CommandBuilder = (actions, exit) => {
  const command = new Command("aggregate")
    .description("makes one answer of a stored run's replies, or of replies handed in; nothing is sent")
    .addOption(new Option("--run, --run-id <id>", "the run whose replies are combined"))
    .option("--responses <json>", 'replies handed in, [{"instance":"A","result":…}]: JSON, @file or -')
    .addOption(
      wordOption(
        "--strategy <name>",
        "how the answers become one",
        AGGREGATION_STRATEGIES,
      ).makeOptionMandatory(),
    );
  for (const option of strategyOptions()) command.addOption(option);
  return addCallOptions(command)
    .addHelpText("after", "\nExample:\n  orchestrator aggregate --run-id run-m3x9-Zk1 --strategy merge")
    .action(async (options: Options) => {
      const { runId, strategy, key, limit, separator, output } = options;
      if ((runId === undefined) === (options.responses === undefined))
        throw usage("Give either --run-id or --responses.");
      const responses = (await readJsonArgument(
        options.responses,
        "--responses",
      )) as AggregateCall["responses"];
      const call: AggregateCall = { runId, responses, strategy, key, limit, separator };
      const answer = await useOrchestrator(actions, options, (orchestrator) => orchestrator.aggregate(call));
      show(output, answer, () => words(answer));
      exit(exitCode(answer));
    });
};

function words(answer: AggregateAnswer): string {
  const missing = answer.missing.length === 0 ? [] : [`Not in it:\n${outcomeTable(answer.missing)}`, ""];
  return [...missing, aggregateWords(answer)].join("\n");
}

/** Made of the answers of some, it is done in part. */
function exitCode({ missing }: AggregateAnswer): number {
  if (missing.length === 0) return EXIT.done;
  return missing.some(({ reply }) => reply === "pending") ? EXIT.pending : EXIT.partly;
}

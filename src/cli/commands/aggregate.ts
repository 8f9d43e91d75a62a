import { Command, Option } from "commander";
import { AGGREGATION_STRATEGIES, type AggregationStrategy, asks } from "../../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../../core/answers.ts";
import type { AggregateCall } from "../../core/calls.ts";
import {
  minSuccessOption,
  type StrategyOptions,
  strategyFields,
  strategyOptions,
} from "../aggregate-options.ts";
import { aggregateWords } from "../aggregate-words.ts";
import { addCallOptions, type CallOptions, runFields, wordOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { usage } from "../flags.ts";
import { listenForInterruption } from "../interruption.ts";
import { readJsonArgument } from "../json-argument.ts";
import { outcomeTable } from "../outcome-table.ts";
import { say, show } from "../output.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions, StrategyOptions {
  runId?: string[];
  responses?: string;
  strategy: AggregationStrategy;
  minSuccess?: number;
  timeout?: string;
  wait?: string;
  idempotencyKey?: string;
}

/** `orchestrator aggregate` */
export const aggregateCommand: CommandBuilder = (actions, exit) => {
  const command = new Command("aggregate")
    .description("makes one answer of stored runs' replies, or of replies handed in")
    .addOption(new Option("--run, --run-id <ids...>", "the run whose replies are combined, or several"))
    .option("--responses <json>", 'replies handed in, [{"instance":"A","result":…}]: JSON, @file or -')
    .addOption(
      wordOption(
        "--strategy <name>",
        "how the answers become one",
        AGGREGATION_STRATEGIES,
      ).makeOptionMandatory(),
    );
  for (const option of strategyOptions()) command.addOption(option);
  command
    .addOption(minSuccessOption())
    .option("--timeout <time>", "reduce, judge: deadline of that work; passing it cancels")
    .option("--wait <time>", "reduce, judge: how long this call stays open; default the timeout")
    .option("--idempotency-key <key>", "reduce, judge: the same key again is answered with the same work");
  return addCallOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator aggregate --run-id run-m3x9-Zk1 --strategy merge\n  orchestrator aggregate --run-id run-m3x9-Zk1 --strategy judge --instance C",
    )
    .action(async (options: Options) => {
      const call = await callOf(options);
      const { signal, end } = listenForInterruption(() => say("Cancelling. Ctrl-C again ends this at once."));
      try {
        const answer = await useOrchestrator(actions, options, (orchestrator) =>
          orchestrator.aggregate(call, { signal }),
        );
        show(options.output, answer, () => words(answer));
        exit(exitCode(answer));
      } finally {
        end();
      }
    });
};

async function callOf(options: Options): Promise<AggregateCall> {
  const { runId: runIds, strategy, minSuccess } = options;
  if ((runIds === undefined) === (options.responses === undefined))
    throw usage("Give either --run-id or --responses.");
  const responses = await readJsonArgument(options.responses, "--responses");
  const { timeout, wait, idempotencyKey } = asks(strategy) ? runFields(options) : options;
  return {
    ...(runIds && (runIds.length === 1 ? { runId: runIds[0] } : { runIds })),
    ...(responses !== undefined && { responses: responses as NonNullable<AggregateCall["responses"]> }),
    strategy,
    ...strategyFields(options),
    ...(minSuccess !== undefined && { minSuccess }),
    ...{ timeout, wait, idempotencyKey },
  };
}

function words(answer: AggregateAnswer): string {
  const missing = answer.missing.length === 0 ? [] : ["", `Not in it:\n${outcomeTable(answer.missing)}`];
  return [aggregateWords(answer), ...missing].join("\n");
}

/** Made of the answers of some, or without a consensus, it is done in part. */
function exitCode({ missing, consensus, pending }: AggregateAnswer): number {
  if (pending) return EXIT.pending;
  if (missing.length === 0) return consensus === false ? EXIT.partly : EXIT.done;
  return missing.some(({ reply }) => reply === "pending") ? EXIT.pending : EXIT.partly;
}

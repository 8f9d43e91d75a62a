import { Command, Option } from "commander";
import type { DryRunAnswer, FanoutAnswer } from "../../core/answers.ts";
import type { FanoutCall } from "../../core/calls.ts";
import { collectedEntries } from "../../core/collected.ts";
import { OrchestratorError } from "../../core/errors.ts";
import {
  aggregateOf,
  aggregateOption,
  type CombineOptions,
  minSuccessOption,
  strategyOptions,
} from "../aggregate-options.ts";
import { aggregateWords } from "../aggregate-words.ts";
import {
  addBudgetOptions,
  addRunOptions,
  type BudgetOptions,
  budgetOf,
  dryRunOption,
  numberOption,
  payloadOption,
  type RunOptions,
  retryOption,
  runFields,
  wordOption,
} from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT, exitCodeOf, exitCodeOfAll } from "../exit.ts";
import { readJsonArgument } from "../json-argument.ts";
import { makeCall } from "../make-call.ts";
import { outcomeTable } from "../outcome-table.ts";
import { printError, show } from "../output.ts";
import { countsLine } from "../text.ts";

interface Options extends RunOptions, CombineOptions, BudgetOptions {
  targets?: string[];
  payload?: string;
  payloads?: string;
  retry?: number;
  minReplies?: number;
  minSuccess?: number;
  stall?: string;
  cancelRest?: boolean;
  detail?: FanoutCall["detail"];
  concurrency?: number;
  dryRun?: boolean;
}

/** `orchestrator fanout` */
export const fanoutCommand: CommandBuilder = (actions, exit) =>
  addRunOptions(addBudgetOptions(addFanoutOptions(new Command("fanout"))))
    .description("one task to every target at once; each of them is accounted for")
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator fanout --targets A-H --aggregate true --timeout 10s > output.json\n  orchestrator fanout --targets A C --payload @task.json --aggregate merge",
    )
    .action(async (options: Options) => {
      const call = await callOf(options);
      exit(
        await makeCall<FanoutAnswer>(actions, options, {
          make: (orchestrator, watch) => orchestrator.fanout(call, watch),
          instances: async (orchestrator) => {
            const { explanation } = (await orchestrator.fanout({ ...call, dryRun: true })) as DryRunAnswer;
            return [...explanation.order, ...explanation.excluded.map(({ instance }) => instance)];
          },
          print: (answer) => print(answer, options, call),
          fates: ({ outcomes }) => outcomes,
          exitCode,
        }),
      );
    });

function addFanoutOptions(command: Command): Command {
  command
    .addOption(new Option("--instances, --targets <names...>", "who is asked, such as A-H"))
    .addOption(payloadOption())
    .option("--payloads <json>", "payloads of their own, by name; JSON, @file or -")
    .addOption(aggregateOption());
  for (const option of strategyOptions()) command.addOption(option);
  return command
    .addOption(retryOption())
    .addOption(numberOption("--min-replies <n>", "stop waiting after so many are done; default all"))
    .option("--stall <time>", "stop waiting when nobody new has answered for so long")
    .addOption(minSuccessOption())
    .option("--cancel-rest", "cancel what is still out when the waiting ends; a quorum that is met does")
    .option("--no-cancel-rest", "leave the rest at work also when a quorum is met")
    .addOption(
      wordOption("--detail <how>", "brief: the length of each result in its place; default full", [
        "full",
        "brief",
      ]),
    )
    .addOption(numberOption("--concurrency <n>", "how many are asked at once; default 64"))
    .addOption(dryRunOption());
}

async function callOf(options: Options): Promise<FanoutCall> {
  const { targets, retry, minReplies, minSuccess, stall, cancelRest, concurrency, detail, dryRun } = options;
  return {
    ...{ targets, retries: retry, minReplies, minSuccess, stall, cancelRest, concurrency, detail, dryRun },
    ...runFields(options),
    ...budgetOf(options),
    aggregate: aggregateOf(options),
    payload: await readJsonArgument(options.payload, "--payload"),
    // What it must be, and who may be named in it, is the engine's to say.
    payloads: (await readJsonArgument(options.payloads, "--payloads")) as FanoutCall["payloads"],
  };
}

/** Collected, the answer is the plain array of the skill. */
function print(answer: FanoutAnswer, { output }: Options, { aggregate }: FanoutCall): void {
  const collects = aggregate === true;
  show(output, collects ? collectedEntries(answer.outcomes) : answer, () => words(answer, collects));
  if (answer.aggregateError && !collects) printError(OrchestratorError.fromBody(answer.aggregateError));
}

function words({ outcomes, counts, aggregate }: FanoutAnswer, collects: boolean): string {
  const combined = aggregate === undefined || collects ? [] : ["", aggregateWords(aggregate)];
  return [outcomeTable(outcomes), countsLine(counts), ...combined].join("\n");
}

/** Once a quorum is met the rest is not needed; without a consensus there are answers, but not one. */
function exitCode({ outcomes, aggregate, aggregateError }: FanoutAnswer): number {
  const code = exitCodeOfAll(outcomes);
  if (aggregate?.pending) return EXIT.pending;
  if (aggregate?.strategy === "quorum" && aggregate.consensus) return EXIT.done;
  if (code !== EXIT.done) return code;
  if (aggregateError) return exitCodeOf(aggregateError);
  return aggregate?.consensus === false ? EXIT.partly : code;
}

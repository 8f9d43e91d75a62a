import { Command, Option } from "commander";
import type { DelegateAnswer, OutcomeView } from "../../core/answers.ts";
import { BALANCING_STRATEGIES } from "../../core/balancing.ts";
import type { DelegateCall } from "../../core/calls.ts";
import {
  addBudgetOptions,
  addRunOptions,
  type BudgetOptions,
  budgetOf,
  dryRunOption,
  payloadOption,
  type RunOptions,
  retryOption,
  runFields,
  wordOption,
} from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { readJsonArgument } from "../json-argument.ts";
import { makeCall } from "../make-call.ts";
import { resultWords } from "../outcome-table.ts";
import { show } from "../output.ts";

interface Options extends RunOptions, BudgetOptions {
  instances?: string[];
  payload?: string;
  retry?: number;
  idempotent?: boolean;
  fallback?: DelegateCall["fallback"];
  pick?: DelegateCall["pick"];
  dryRun?: boolean;
}

/** `orchestrator route`, also called `delegate` */
export const routeCommand: CommandBuilder = (actions, exit) =>
  addRunOptions(
    addBudgetOptions(
      new Command("route")
        .alias("delegate")
        .description("one task, done once, by the first of the candidates that can")
        .addOption(new Option("--targets, --instances <names...>", "candidates in order, such as A B"))
        .addOption(payloadOption())
        .addOption(
          wordOption("--fallback <who>", "who may take over; default listed", ["listed", "any", "none"]),
        )
        .addOption(
          wordOption("--pick <how>", "who of a pool goes first; default ordered", BALANCING_STRATEGIES),
        )
        .addOption(retryOption())
        .option("--idempotent", "doing the work twice is harmless")
        .addOption(dryRunOption()),
    ),
  )
    .addHelpText("after", `\nExample:\n  orchestrator route --instances A B --payload '{"data":"task"}'`)
    .action(async (options: Options) => {
      const { instances, retry, idempotent, fallback, pick, dryRun } = options;
      const payload = await readJsonArgument(options.payload, "--payload");
      const call: DelegateCall = {
        ...{ instances, payload, retries: retry, idempotent, fallback, pick, dryRun },
        ...runFields(options),
        ...budgetOf(options),
      };
      exit(
        await makeCall<DelegateAnswer>(actions, options, {
          make: (orchestrator, watch) => orchestrator.delegate(call, watch),
          // Who comes after the first one is not known before it has failed.
          instances: async (orchestrator) => {
            const { explanation } = await orchestrator.delegate({ ...call, dryRun: true });
            return explanation.order.slice(0, 1);
          },
          print: (answer) => show(options.output, answer, () => resultWords(attempted(answer))),
          fates: ({ attempts }) => attempts,
          exitCode: ({ reply }) => (reply === "done" ? EXIT.done : EXIT.pending),
        }),
      );
    });

/** Each attempt as an outcome; the last one has the result. */
function attempted({
  attempts,
  instance = "?",
  delivery,
  reply,
  result,
  usage,
}: DelegateAnswer): OutcomeView[] {
  const elapsedMs = attempts.at(-1)?.elapsedMs;
  return [
    ...attempts.slice(0, -1),
    {
      ...{ instance, delivery, reply },
      ...(result !== undefined && { result }),
      ...(elapsedMs !== undefined && { elapsedMs }),
      ...(usage && { usage }),
    },
  ];
}

import { Command, Option } from "commander";
import type { InstanceHealth } from "../../core/answers.ts";
import { addCallOptions, type CallOptions } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { healthJson, healthWords } from "../health-table.ts";
import { watchHealth } from "../health-watch.ts";
import { readDuration } from "../options.ts";
import { show } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  instances?: string[];
  detail?: boolean;
  watch?: boolean;
  interval: number;
}

/** `orchestrator health` */
export const healthCommand: CommandBuilder = (actions, exit) =>
  addCallOptions(
    new Command("health")
      .description("checks instances now: who is healthy, who is not, and why")
      .option("--instances <names...>", "who is checked, such as A-H; default the whole fleet")
      .option("--detail", "also since when, why and how fast")
      .option("--watch", "checks again and again until Ctrl-C and says what has changed")
      .addOption(
        new Option("--interval <time>", "watch: how often")
          .default(60_000, "60s")
          .argParser(readDuration)
          .implies({ watch: true }),
      ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator health --instances A-H --output json\n  orchestrator health --watch --interval 60s",
    )
    .action(async (options: Options) => {
      const { detail = false, output, watch, interval } = options;
      // Named as all of it, an empty fleet is an error, which says why it is empty.
      const call = { instances: options.instances ?? "*", detail };
      await useOrchestrator(actions, options, async (orchestrator) => {
        if (watch) {
          const watching = watchHealth(() => orchestrator.health(call), {
            intervalMs: interval,
            output,
            detail,
          });
          const code = await runUntilStopped(watching);
          if (watching.error) throw watching.error;
          exit(code);
          return;
        }
        const found = await orchestrator.health(call);
        show(output, healthJson(found, detail), () => healthWords(found));
        exit(exitCode(found));
      });
    });

function exitCode(found: readonly InstanceHealth[]): number {
  const working = found.filter(({ state }) => state === "healthy" || state === "degraded").length;
  if (working === found.length) return EXIT.done;
  return working === 0 ? EXIT.failed : EXIT.partly;
}

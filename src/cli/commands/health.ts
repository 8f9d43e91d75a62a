import { Command, Option } from "commander";
import type { InstanceHealth } from "../../core/answers.ts";
import { healthInput } from "../../core/requests.ts";
import { transitionWords } from "../../core/transition-words.ts";
import { validate } from "../../core/validate.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { configOption } from "../options.ts";
import { print, printJson } from "../output.ts";
import { paint, table } from "../table.ts";

interface Options {
  instances?: string[];
  detail: boolean;
  output?: "json" | "table";
  config?: string;
}

/** `orchestrator health` */
export const healthCommand: CommandBuilder = (actions, exit) =>
  new Command("health")
    .description("checks instances now: who is healthy, who is not, and why")
    .option("--instances <names...>", "who is checked, such as A-H; default the whole fleet")
    .option("--detail", "also since when, why and how fast", false)
    .addOption(
      new Option("--output <form>", "default a table on a terminal, else JSON").choices(["json", "table"]),
    )
    .addOption(configOption())
    .addHelpText("after", "\nExample:\n  orchestrator health --instances A-H --output json")
    .action(async ({ instances, detail, output, config }: Options) => {
      const app = actions.engine({ ...(config !== undefined && { config }) });
      try {
        // Named as all of it, an empty fleet is an error, which says why it is empty.
        const found = await app.engine.health(validate(healthInput, { instances: instances ?? "*", detail }));
        if (output === "table" || (output === undefined && process.stdout.isTTY))
          print([rows(found), ...past(found)].join("\n"));
        else
          printJson(
            Object.fromEntries(found.map((each) => [each.instance, detail ? withoutName(each) : each.state])),
          );
        exit(exitCode(found));
      } finally {
        await app.close();
      }
    });

/** With `--detail`: since when each that is not well is so, who saw it, and what holds it off. */
function past(found: readonly InstanceHealth[]): string[] {
  return found.flatMap(({ instance, state, breaker, transitions = [] }) => {
    const last = transitions.at(-1);
    return [
      ...(last?.to === state && state !== "healthy" ? [`${instance}: ${transitionWords(last)}`] : []),
      ...(breaker ? [`${instance}: breaker ${breaker.state} until ${breaker.until}`] : []),
    ];
  });
}

function withoutName({ instance: _, ...rest }: InstanceHealth): Omit<InstanceHealth, "instance"> {
  return rest;
}

function exitCode(found: readonly InstanceHealth[]): number {
  const working = found.filter(({ state }) => state === "healthy" || state === "degraded").length;
  if (working === found.length) return EXIT.done;
  return working === 0 ? EXIT.failed : EXIT.partly;
}

const COLOURS = {
  healthy: "green",
  degraded: "yellow",
  draining: "yellow",
  down: "red",
  unknown: "red",
} as const;

function rows(found: readonly InstanceHealth[]): string {
  const cells = found.map(({ instance, state, latencyMs, protocol, tags, reason }) => [
    instance,
    state,
    latencyMs === undefined ? "" : `${Math.round(latencyMs)} ms`,
    protocol ?? "",
    tags?.join(",") ?? "",
    reason,
  ]);
  const text = table([["INSTANCE", "STATE", "LATENCY", "PROTOCOL", "TAGS", "WHY"], ...cells]);
  // Coloured once the columns stand, since colours have a length too.
  return text.replace(
    /^(\S+\s+)(healthy|degraded|draining|down|unknown)/gm,
    (_, name: string, state: keyof typeof COLOURS) => name + paint(COLOURS[state], state, process.stdout),
  );
}

import { Command, Option } from "commander";
import { STANDALONE_STRATEGIES } from "../../core/aggregation/options.ts";
import { BALANCING_STRATEGIES } from "../../core/balancing.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { NestedFleet, ServeCommand } from "../actions.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption, DEFAULT_PORT, hostOption, portOption } from "../options.ts";
import { printJson, say } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";

type Options = Pick<ServeCommand, "config" | "host" | "port"> & Partial<NestedFleet>;

/** `orchestrator serve` */
export const serveCommand: CommandBuilder = (actions, exit) =>
  new Command("serve")
    .description(
      "the REST API and MCP (at /mcp) over the fleet, and the cluster that instances and skills register with",
    )
    .addOption(configOption())
    .addOption(hostOption())
    .addOption(portOption(DEFAULT_PORT))
    .option("--name <name>", "answer the Instance API too, as an instance of this name in another fleet")
    .option("--pool <selector>", "with --name: who of this fleet does its tasks, such as tag:search")
    .addOption(
      new Option("--mode <mode>", "with --name: hand each task to one of the pool, or to all of it")
        .choices(["delegate", "fanout"])
        .default("delegate"),
    )
    .addOption(new Option("--pick <strategy>", "with delegate: who goes first").choices(BALANCING_STRATEGIES))
    .addOption(
      new Option("--aggregate <strategy>", "with fanout: what makes one answer of theirs").choices(
        STANDALONE_STRATEGIES,
      ),
    )
    .option("--cluster <url>", "with --name: the other fleet's cluster, to register with")
    .option("--url <url>", "with --name: URL under which that fleet reaches it; default where it listens")
    .option("--tags <tags...>", "with --name: tags by which it can be picked there")
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator serve --port 7411\n  orchestrator serve --port 0 --name WEST --pool tag:search --mode fanout --aggregate rank-fusion",
    )
    .action(async ({ config, host, port, ...nested }: Options) => {
      const instance = nestedFleet(nested);
      const running = await actions.serve({
        host,
        port,
        ...(config !== undefined && { config }),
        ...(instance && { instance }),
      });
      const ready = { event: "ready", url: running.origin, pid: process.pid };
      process.send?.(ready);
      if (process.stdout.isTTY) say(`The orchestrator listens at ${running.origin}. Ctrl-C stops it.`);
      else printJson(ready);
      exit(await runUntilStopped(running));
    });

function nestedFleet({
  name,
  pool,
  mode = "delegate",
  ...rest
}: Partial<NestedFleet>): NestedFleet | undefined {
  if (name === undefined) {
    const [stray] = Object.keys({ ...(pool !== undefined && { pool }), ...rest });
    if (stray !== undefined) throw usage(`--${stray} is for a fleet that is an instance: give --name too.`);
    return undefined;
  }
  if (pool === undefined) throw usage("--name needs --pool: who of this fleet does the tasks.");
  if (mode === "delegate" && rest.aggregate) throw usage("--aggregate is for --mode fanout.");
  if (mode === "fanout" && rest.pick) throw usage("--pick is for --mode delegate.");
  return { name, pool, mode, ...rest };
}

function usage(message: string): OrchestratorError {
  return new OrchestratorError("bad_request", message, { action: "See orchestrator serve --help." });
}

import { Command } from "commander";
import { spellOut } from "../../core/selector.ts";
import type { StartedInstance, UpEvent } from "../actions.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { commandOf } from "../introduce.ts";
import { DEFAULT_PORT, hostOption, portOption } from "../options.ts";
import { print, printJson, progressLine, say } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";
import { searchNotes } from "../search-notes.ts";
import { table } from "../table.ts";
import { addWorkerOptions, type WorkerOptions, workerOf } from "../worker-options.ts";

interface Options extends WorkerOptions {
  instances: string[];
  host: string;
  port: number;
}

/** `orchestrator up` */
export const upCommand: CommandBuilder = (actions, exit) =>
  addWorkerOptions(new Command("up"))
    .description("a whole fleet on this machine: a cluster and instances, each a process, until Ctrl-C")
    .option("--instances <names...>", "the instances' names", ["A-H"])
    .addOption(hostOption())
    .addOption(portOption(DEFAULT_PORT))
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator up\n  orchestrator up --instances A-C --worker search --root ./docs\n  orchestrator up --instances A,B -- ./my-agent --json",
    )
    .action(async (command: string[], options: Options) => {
      const line = progressLine();
      const progress = new Map<string, { done: number; total: number }>();
      const onEvent = (event: UpEvent) => {
        if (event.event === "ended") say(`${event.instance} has ended: ${event.how}.`);
        if (event.event !== "progress") return;
        progress.set(event.instance, event);
        const done = [...progress.values()].reduce((sum, each) => sum + each.done, 0);
        const total = [...progress.values()].reduce((sum, each) => sum + each.total, 0);
        line.show(`Reading ${done} of ${total} files`);
      };
      const { names, worker } = { names: spellOut(options.instances), worker: workerOf(command, options) };
      const running = await actions.up({ names, worker, host: options.host, port: options.port }, onEvent);
      line.end();
      const { cluster, instances } = running;
      if (process.stdout.isTTY) print(report(commandOf(actions.program), cluster, instances, options.port));
      else printJson({ event: "ready", cluster, instances });
      for (const note of searchNotes(instances)) say(note);
      exit(await runUntilStopped(running));
    });

function report(
  command: string,
  cluster: string,
  instances: readonly StartedInstance[],
  port: number,
): string {
  const rows = instances.map(({ instance, url, pid, facts }) => [
    instance,
    url,
    String(pid),
    Object.entries(facts)
      .filter(([, value]) => typeof value !== "object")
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
  ]);
  return [
    table([["INSTANCE", "URL", "PID", "WORKER"], ...rows]),
    "",
    `The cluster listens at ${cluster}, for MCP over HTTP at ${cluster}/mcp. In another terminal:`,
    // Where it listens by default, everybody finds it.
    `  ${port === DEFAULT_PORT ? "" : `ORCHESTRATOR_CLUSTER_URL=${cluster} `}${command} health`,
    "Ctrl-C stops the fleet.",
  ].join("\n");
}

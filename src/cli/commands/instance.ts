import { Command, Option } from "commander";
import type { InstanceCommand } from "../actions.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { configOption, hostOption, portOption, readCount, readShare } from "../options.ts";
import { printJson, progressLine, say } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";
import { searchNotes } from "../search-notes.ts";
import { addWorkerOptions, type WorkerOptions, workerOf } from "../worker-options.ts";

interface Options extends WorkerOptions, Omit<InstanceCommand, "worker"> {
  share?: { index: number; of: number };
}

/** `orchestrator instance` */
export const instanceCommand: CommandBuilder = (actions, exit) =>
  addWorkerOptions(new Command("instance"))
    .description("one instance: serves the Instance API over a worker and registers with the cluster")
    .requiredOption("--name <name>", "the instance's name, such as A")
    .addOption(configOption())
    .addOption(hostOption())
    .addOption(portOption(0))
    .option("--url <url>", "URL under which others reach it; default where it listens")
    .option("--tags <tags...>", "tags by which it can be picked", [])
    .option("--cluster <url>", "cluster to register with; default the configured one")
    .addOption(new Option("--concurrency <n>", "tasks at once; default 4").argParser(readCount))
    .addOption(new Option("--queue <n>", "tasks that may wait; default 256").argParser(readCount))
    .option("--api-key-env <variable>", "variable with a key that callers may use besides the fleet's")
    .addOption(
      new Option("--share <n/of>", "search: an equal share of the folder, such as 2/8").argParser(readShare),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator instance --name A --worker search --root ./docs\n  orchestrator instance --name B -- ./my-agent --json\n  orchestrator instance --name C --agent claude --cwd ./project -- --allowedTools Read",
    )
    .action(async (command: string[], options: Options) => {
      const worker = workerOf(command, options);
      const line = progressLine();
      const running = await actions.instance(
        {
          ...options,
          worker: worker.kind === "search" && options.share ? { ...worker, share: options.share } : worker,
        },
        (done, total) => {
          process.send?.({ event: "progress", done, total });
          line.show(`${options.name}: ${done} of ${total} files`);
        },
      );
      line.end();
      const ready = { event: "ready", ...running.started };
      // Whoever started us as a part of a fleet wants it to be found there.
      void running.registered.then(() => process.send?.(ready));
      if (process.stdout.isTTY)
        say(`Instance ${options.name} answers at ${running.started.url}. Ctrl-C stops it.`);
      else printJson(ready);
      // Of a fleet `up` says it, once.
      if (!process.connected) for (const note of searchNotes([running.started])) say(note);
      exit(await runUntilStopped(running));
    });

import { type Command, Option } from "commander";
import { OrchestratorError } from "../core/errors.ts";
import type { WorkerChoice } from "./actions.ts";
import { readDuration } from "./options.ts";

export interface WorkerOptions {
  worker?: "search" | "exec" | "module";
  root?: string;
  only?: string[];
  module?: string;
  cwd?: string;
  taskTimeout?: number;
}

/** The options that say what does an instance's tasks. */
export function addWorkerOptions(command: Command): Command {
  return command
    .argument("[command...]", "after --: the command that does each task (worker exec)")
    .addOption(new Option("--worker <kind>", "what does the tasks").choices(["search", "exec", "module"]))
    .option("--root <dir>", "search: the folder whose text files are searched; default the current one")
    .option("--only <endings...>", "search: only files that end so, such as .md")
    .option("--module <file>", "module: the file that exports the handler")
    .option("--cwd <dir>", "exec: the folder that the command runs in")
    .addOption(
      new Option("--task-timeout <time>", "exec: stop a task after so long").argParser(readDuration),
    );
}

/** @throws OrchestratorError `bad_request` for options that do not go together. */
export function workerOf(command: readonly string[], options: WorkerOptions): WorkerChoice {
  const { root, only, module, cwd, taskTimeout } = options;
  const kind = options.worker ?? (command.length > 0 ? "exec" : module === undefined ? "search" : "module");
  if (kind !== "exec" && command.length > 0) throw usage(`--worker ${kind} takes no command.`);
  if (kind === "search") return { kind, ...(root !== undefined && { root }), ...(only && { only }) };
  if (root !== undefined || only) throw usage(`--root and --only are for the worker search, not ${kind}.`);
  if (kind === "module") {
    if (module === undefined) throw usage("--worker module needs --module FILE.");
    return { kind, path: module };
  }
  if (command.length === 0) throw usage("--worker exec needs a command after --.");
  return {
    kind,
    command: [...command],
    ...(cwd !== undefined && { cwd }),
    ...(taskTimeout !== undefined && { timeoutMs: taskTimeout }),
  };
}

function usage(message: string): OrchestratorError {
  return new OrchestratorError("bad_request", message, { action: "See --help of this command." });
}

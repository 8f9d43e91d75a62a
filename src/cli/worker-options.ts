import { type Command, InvalidArgumentError, Option } from "commander";
import { OrchestratorError } from "../core/errors.ts";
import type { ProgramChoice, WorkerChoice } from "./actions.ts";
import { readDuration } from "./options.ts";

export interface WorkerOptions {
  worker?: "search" | "exec" | "module";
  root?: string;
  only?: string[];
  module?: string;
  agent?: string;
  cwd?: string;
  env?: string[];
  taskTimeout?: number;
  outputLimit?: number;
}

/** The options that say what does an instance's tasks. */
export function addWorkerOptions(command: Command): Command {
  return command
    .argument("[command...]", "after --: the command that does each task, or options for the agent")
    .addOption(
      new Option(
        "--worker <kind>",
        "what does the tasks; default search, unless a command or --module is given",
      ).choices(["search", "exec", "module"]),
    )
    .option("--root <dir>", "search: the folder whose text files are searched; default the current one")
    .option("--only <endings...>", "search: only files that end so, such as .md")
    .option("--module <file>", "module: the file that exports the handler")
    .addOption(
      new Option(
        "--agent <name>",
        "a command-line agent that does the tasks, with the least rights; more after --",
      ).choices(["claude", "codex", "openclaw"]),
    )
    .option("--cwd <dir>", "exec, agent: the folder that it runs in; default the current one")
    .addOption(
      new Option(
        "--env <variable>",
        "exec, agent: a variable that it gets besides the basic ones; may be repeated",
      ).argParser((name: string, before: string[] = []) => [...before, name]),
    )
    .addOption(
      new Option("--task-timeout <time>", "exec, agent: stop a task after so long").argParser(readDuration),
    )
    .addOption(
      new Option("--output-limit <bytes>", "exec, agent: the most it may write; default 8388608").argParser(
        readBytes,
      ),
    );
}

/** @throws OrchestratorError `bad_request` for options that do not go together. */
export function workerOf(command: readonly string[], options: WorkerOptions): WorkerChoice {
  const { root, only, module, agent } = options;
  const kind = options.worker ?? (command.length > 0 ? "exec" : module === undefined ? "search" : "module");
  if (agent !== undefined) return agentOf(agent, command, options);
  if (kind !== "exec" && command.length > 0) throw usage(`--worker ${kind} takes no command.`);
  if (kind === "search") return { kind, ...(root !== undefined && { root }), ...(only && { only }) };
  if (root !== undefined || only) throw usage(`--root and --only are for the worker search, not ${kind}.`);
  if (kind === "module") {
    if (module === undefined) throw usage("--worker module needs --module FILE.");
    return { kind, path: module };
  }
  if (command.length === 0) throw usage("--worker exec needs a command after --.");
  return { kind, command: [...command], ...programOf(options) };
}

function agentOf(agent: string, args: readonly string[], options: WorkerOptions): WorkerChoice {
  const { worker, root, only, module } = options;
  if (worker !== undefined || root !== undefined || only || module !== undefined) {
    throw usage("--agent does the tasks itself: --worker, --root, --only and --module do not go with it.");
  }
  const [first] = args;
  if (first !== undefined && !first.startsWith("-")) {
    throw usage(`With --agent ${agent}, what comes after -- are options for it, and "${first}" is none.`);
  }
  return { kind: "agent", agent, args: [...args], ...programOf(options) };
}

function programOf({ cwd, env, taskTimeout, outputLimit }: WorkerOptions): ProgramChoice {
  return {
    ...(cwd !== undefined && { cwd }),
    ...(env && { env }),
    ...(taskTimeout !== undefined && { timeoutMs: taskTimeout }),
    ...(outputLimit !== undefined && { outputLimit }),
  };
}

function readBytes(text: string): number {
  const bytes = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("Expected a number of bytes.");
}

function usage(message: string): OrchestratorError {
  return new OrchestratorError("bad_request", message, { action: "See --help of this command." });
}

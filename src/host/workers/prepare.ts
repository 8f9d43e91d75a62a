import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { OrchestratorError } from "../../core/errors.ts";
import { checkVariables, workerEnvironment } from "./environment.ts";
import { findExecutable } from "./executable.ts";
import { GROUP_MARK, type GroupRecords } from "./group-records.ts";
import type { Program } from "./program.ts";

/** How a worker runs its program. */
export interface ProgramOptions {
  /** The folder it runs in; the host's own unless given. */
  cwd?: string | undefined;
  /** Names of environment variables that it gets besides the basic ones. */
  env?: readonly string[] | undefined;
  /** Milliseconds after which a run is stopped; without it only the task's own timeout does that. */
  timeoutMs?: number | undefined;
  /** Most bytes of output; 8 MiB unless given. */
  outputLimit?: number | undefined;
  /** Where what runs is recorded, so that it is ended also after this process was killed. */
  groups?: GroupRecords | undefined;
}

/** What to run, and what is known about it. */
export interface ProgramFacts {
  /** The program and its arguments; no shell reads them. */
  command: readonly string[];
  /** Variables that it gets where they are set. */
  variables?: readonly string[];
  /** What to do when it is not there. */
  missing?: string;
}

const OUTPUT_LIMIT = 8 * 1024 * 1024;

/**
 * Finds a worker's program and what it runs with. It gets all variables if nobody names any.
 * @throws OrchestratorError `bad_request` if the program, the folder or a variable does not exist.
 */
export async function prepareProgram(
  { command, variables, missing }: ProgramFacts,
  { cwd, env, timeoutMs, outputLimit = OUTPUT_LIMIT, groups }: ProgramOptions,
): Promise<Program> {
  if (process.platform === "win32") {
    throw new OrchestratorError(
      "bad_request",
      "A command cannot be a worker on Windows: it has no process groups.",
      {
        action: "Run the instance in WSL, or use a module worker.",
      },
    );
  }
  const folder = resolve(cwd ?? ".");
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new OrchestratorError("bad_request", `The folder "${folder}" for the command does not exist.`);
  }
  checkVariables(env ?? []);
  const names = variables || env ? [...(variables ?? []), ...(env ?? [])] : undefined;
  return {
    file: await findExecutable(command[0] ?? "", folder, missing),
    command,
    cwd: folder,
    env: { ...workerEnvironment(names), ...(groups && { [GROUP_MARK]: groups.mark }) },
    timeoutMs,
    outputLimit,
    groups,
  };
}

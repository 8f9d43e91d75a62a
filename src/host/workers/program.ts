import { type ChildProcess, spawn } from "node:child_process";
import type { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { GroupRecords } from "./group-records.ts";
import { endOnExit, endProcessGroup } from "./process-group.ts";

export interface Program {
  /** Absolute path of the executable. */
  file: string;
  /** The command as the person wrote it; its first word is what errors call the program. */
  command: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Milliseconds after which it is ended. */
  timeoutMs?: number | undefined;
  /** Most bytes of standard output. */
  outputLimit: number;
  groups?: GroupRecords | undefined;
}

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  cause?: Error;
}

/** How a program ended that nobody stopped. */
export interface ProgramEnd {
  /** Its standard output. */
  output: string;
  /** The end of its standard error. */
  stderr: string;
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that has ended may have left its pipes to another one: what is in them takes no longer to read. */
const PIPES_MS = 1000;
const STDERR_TAIL = 4096;

/**
 * Runs a program once, in a process group of its own. When this settles the group is gone, whatever the program
 * started in it included.
 * @throws OrchestratorError `instance_error` when the program cannot be started, `timeout`, `payload_too_large`,
 *   or what it was cancelled with.
 */
export async function runProgram(
  program: Program,
  input: string,
  cancellation: Cancellation,
): Promise<ProgramEnd> {
  cancellation.throwIfCancelled();
  const { file, command, cwd, env, timeoutMs, outputLimit, groups } = program;
  const name = command[0] as string;
  // Without a free file descriptor there are no pipes, only an error.
  const child: ChildProcess = spawn(file, command.slice(1), { argv0: name, cwd, env, detached: true });

  const exit = exitOf(child);
  const forget = child.pid === undefined ? undefined : groups?.keep(child.pid);
  const forgetExit = child.pid === undefined ? undefined : endOnExit(child.pid);

  let failure: OrchestratorError | undefined;
  let ending: Promise<void> | undefined;
  const stop = (error: OrchestratorError) => {
    failure ??= error;
    if (child.pid !== undefined) ending ??= endProcessGroup(child.pid);
  };

  const output: Buffer[] = [];
  let outputBytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes <= outputLimit) output.push(chunk);
    else stop(tooMuchOutput(name, outputLimit));
  });
  let stderr: Buffer = Buffer.alloc(0);
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_TAIL);
  });
  // A program need not read its input; what became of it is told by its exit.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);

  const ignoreCancel = cancellation.onCancel(stop);
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => stop(tookTooLong(name, timeoutMs)), timeoutMs);
  const ended = await exit;
  clearTimeout(timer);
  ignoreCancel();
  if (child.pid !== undefined) await (ending ?? endProcessGroup(child.pid));
  forget?.();
  forgetExit?.();

  if (failure) throw failure;
  if (ended.cause) throw notStarted(name, ended.cause);
  return {
    output: Buffer.concat(output).toString(),
    stderr: stderr.toString(),
    exitCode: ended.code,
    signal: ended.signal,
  };
}

/**
 * What a program wrote that ended well.
 * @throws OrchestratorError `instance_error` for any other end.
 */
export function outputOf({ command }: Program, { output, stderr, exitCode, signal }: ProgramEnd): string {
  if (exitCode === 0) return output;
  const lastLine = stderr.trim().split("\n").at(-1);
  const end = howEnded({ exitCode, signal });
  throw new OrchestratorError("instance_error", `"${command[0]}" ${end}${lastLine ? `: ${lastLine}` : "."}`, {
    delivery: "accepted",
    details: { exitCode, signal, stderr },
  });
}

export function howEnded({ exitCode, signal }: Pick<ProgramEnd, "exitCode" | "signal">): string {
  return signal ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
}

/** How a process ended, once its output is read too. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    let pipes: NodeJS.Timeout | undefined;
    child.on("error", (cause) => resolve({ code: null, signal: null, cause }));
    child.once("exit", () => {
      pipes = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, PIPES_MS);
    });
    child.once("close", (code, signal) => {
      clearTimeout(pipes);
      resolve({ code, signal });
    });
  });
}

function notStarted(name: string, cause: Error): OrchestratorError {
  const message = `"${name}" could not be started: ${cause.message}.`;
  return new OrchestratorError("instance_error", message, { cause });
}

function tookTooLong(name: string, timeoutMs: number): OrchestratorError {
  return new OrchestratorError("timeout", `"${name}" did not end within ${timeoutMs} ms and was stopped.`, {
    delivery: "accepted",
    action: "Give it less to do, or start the instance with a longer timeout for its command.",
  });
}

function tooMuchOutput(name: string, limit: number): OrchestratorError {
  return new OrchestratorError(
    "payload_too_large",
    `"${name}" wrote more than ${limit} bytes and was stopped.`,
    {
      delivery: "accepted",
    },
  );
}

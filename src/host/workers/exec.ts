import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { type Json, parseJson } from "../../core/json.ts";
import { keepText } from "../../core/json-text.ts";
import type { Worker, WorkerReply, WorkerTask } from "../worker.ts";
import { findExecutable, workerEnvironment } from "./executable.ts";
import { GROUP_MARK, type GroupRecords } from "./group-records.ts";
import { type Program, runProgram } from "./program.ts";

export interface ExecOptions {
  /** The program and its arguments; no shell reads them. */
  command: readonly string[];
  /** The folder it runs in; the host's own unless given. */
  cwd?: string | undefined;
  /** Names of the environment variables that it gets; all but `ORCHESTRATOR_*` unless given. */
  env?: readonly string[] | undefined;
  /** Milliseconds after which a run is stopped; without it only the task's own timeout does that. */
  timeoutMs?: number | undefined;
  /** Most bytes of output; 8 MiB unless given. */
  outputLimit?: number | undefined;
  /** Where what runs is recorded, so that it is ended also after this process was killed. */
  groups?: GroupRecords | undefined;
}

const OUTPUT_LIMIT = 8 * 1024 * 1024;

/**
 * A worker that runs a command for every task. On standard input the command gets the payload as JSON, in a
 * session `{"data","history":[{"data","result"}]}`. Its standard output is the result: as JSON if it is that,
 * else as text without the newline at its end.
 * @throws OrchestratorError `bad_request` if the program or the folder does not exist.
 */
export async function createExecWorker(options: ExecOptions): Promise<Worker> {
  if (process.platform === "win32") {
    throw new OrchestratorError(
      "bad_request",
      "A command cannot be a worker on Windows: it has no process groups.",
      {
        action: "Run the instance in WSL, or use a module worker.",
      },
    );
  }
  const cwd = resolve(options.cwd ?? ".");
  const folder = await stat(cwd).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw new OrchestratorError("bad_request", `The folder "${cwd}" for the command does not exist.`);
  }
  const program: Program = {
    file: await findExecutable(options.command[0] ?? "", cwd),
    command: options.command,
    cwd,
    env: {
      ...workerEnvironment(options.env),
      ...(options.groups && { [GROUP_MARK]: options.groups.mark }),
    },
    timeoutMs: options.timeoutMs,
    outputLimit: options.outputLimit ?? OUTPUT_LIMIT,
    groups: options.groups,
  };
  const running = new Map<Cancellation, Promise<string>>();

  async function run({ payload, session, cancellation }: WorkerTask): Promise<WorkerReply> {
    const input = JSON.stringify(session ? { data: payload, history: session.history } : payload);
    const stop = new Cancellation();
    const ignoreCancel = cancellation.onCancel((error) => stop.cancel(error));
    const ended = runProgram(program, input, stop);
    running.set(stop, ended);
    try {
      return { result: asResult(await ended) };
    } finally {
      ignoreCancel();
      running.delete(stop);
    }
  }

  return {
    description: {
      does: `Runs the program "${basename(program.file)}" for each task.`,
      payload:
        "Any JSON: the program reads it on standard input, and its standard output is the result. " +
        'In a session it reads {"data", "history": [{"data", "result"}]}.',
      example: { message: "text" },
    },
    run,
    facts: () => ({ running: running.size }),
    close: async () => {
      const runs = [...running];
      for (const [stop] of runs)
        stop.cancel(new OrchestratorError("interrupted", "The instance was shut down."));
      await Promise.allSettled(runs.map(([, ended]) => ended));
    },
  };
}

function asResult(output: string): Json {
  const json = parseJson(output);
  return json === undefined ? output.replace(/\r?\n$/, "") : keepText(json, output.trim());
}

import { basename } from "node:path";
import { type Json, parseJson } from "../../core/json.ts";
import { keepText } from "../../core/json-text.ts";
import type { Worker, WorkerReply, WorkerTask } from "../worker.ts";
import { type ProgramOptions, prepareProgram } from "./prepare.ts";
import { outputOf } from "./program.ts";
import { RunningPrograms } from "./running.ts";

export interface ExecOptions extends ProgramOptions {
  /** The program and its arguments; no shell reads them. */
  command: readonly string[];
}

/**
 * A worker that runs a command for every task. On standard input the command gets the payload as JSON, in a
 * session `{"data","history":[{"data","result"}]}`. Its standard output is the result: as JSON if it is that,
 * else as text without the newline at its end.
 * @throws OrchestratorError `bad_request` if the program, the folder or a variable does not exist.
 */
export async function createExecWorker({ command, ...options }: ExecOptions): Promise<Worker> {
  const program = await prepareProgram({ command }, options);
  const programs = new RunningPrograms();

  async function run({ payload, session, cancellation }: WorkerTask): Promise<WorkerReply> {
    const input = JSON.stringify(session ? { data: payload, history: session.history } : payload);
    return { result: asResult(outputOf(program, await programs.run(program, input, cancellation))) };
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
    facts: () => ({ running: programs.count }),
    close: () => programs.close(),
  };
}

function asResult(output: string): Json {
  const json = parseJson(output);
  return json === undefined ? output.replace(/\r?\n$/, "") : keepText(json, output.trim());
}

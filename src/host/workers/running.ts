import { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { type Program, type ProgramEnd, runProgram } from "./program.ts";

/** What one worker's programs have in common: closing the worker ends those that run. */
export class RunningPrograms {
  readonly #running = new Map<Cancellation, Promise<ProgramEnd>>();

  get count(): number {
    return this.#running.size;
  }

  /** Like {@link runProgram}. */
  async run(program: Program, input: string, cancellation: Cancellation): Promise<ProgramEnd> {
    const stop = new Cancellation();
    const ignoreCancel = cancellation.onCancel((error) => stop.cancel(error));
    const ended = runProgram(program, input, stop);
    this.#running.set(stop, ended);
    try {
      return await ended;
    } finally {
      ignoreCancel();
      this.#running.delete(stop);
    }
  }

  /** Ends what runs, and waits for that. */
  async close(): Promise<void> {
    const runs = [...this.#running];
    for (const [stop] of runs)
      stop.cancel(new OrchestratorError("interrupted", "The instance was shut down."));
    await Promise.allSettled(runs.map(([, ended]) => ended));
  }
}

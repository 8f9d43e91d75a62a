import { OrchestratorError } from "../core/errors.ts";
import { writeJson } from "../core/json-text.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Store } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import { resultKey, runKey } from "./run-keys.ts";

export interface RunWriterParts {
  run: Run;
  /** Of the stored record; 0 for a run that is not yet written. */
  version: number;
  store: Store;
  /** How long the run is kept after its end. */
  keepMs: number;
  /** Called when the run is no longer this process's. */
  onLost: (error: OrchestratorError) => void;
}

/**
 * The only writer of a run's record. Every write is a compare-and-set on the version that was written
 * last, so that a second writer is found out.
 */
export class RunWriter {
  readonly warnings: string[] = [];
  readonly #parts: RunWriterParts;
  #version: number;
  #lost: OrchestratorError | undefined;
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #changed = false;
  #forgets = false;
  /** Outcomes that are done and whose results are not yet stored. */
  readonly #unkept: Outcome[] = [];

  constructor(parts: RunWriterParts) {
    this.#parts = parts;
    this.#version = parts.version;
  }

  /** Another process has taken the run over, or was left it: nothing more is written. */
  get lost(): OrchestratorError | undefined {
    return this.#lost;
  }

  /** The record says all that is known. */
  get isFresh(): boolean {
    return this.#version > 0 && !this.#changed;
  }

  /** What is known is more than what is written. */
  changed(): void {
    this.#changed = true;
  }

  /** Has a result stored with the next write. */
  keep(outcome: Outcome): void {
    this.#unkept.push(outcome);
  }

  /** Lets go of results that are stored: what is to be made of them has been made by then. */
  forgetResults(): void {
    this.#forgets = true;
  }

  /** Commits whose callers come in one tick, or during a write, share the next write. */
  commit(): Promise<void> {
    this.#queued ??= this.#writeNext();
    return this.#queued;
  }

  async #writeNext(): Promise<void> {
    await this.#writing?.catch(() => {});
    this.#queued = undefined;
    this.#writing = this.#write();
    await this.#writing;
  }

  /** Awaits a write after the work: what cannot be stored then is a warning beside the result. */
  async tell(write: Promise<unknown>): Promise<void> {
    try {
      await write;
    } catch (error) {
      const warning = `This run could not be stored: ${OrchestratorError.from(error).message}`;
      if (!this.warnings.includes(warning)) this.warnings.push(warning);
    }
  }

  letGo(message: string): OrchestratorError {
    this.#lost ??= new OrchestratorError("conflict", message, {
      runId: this.#parts.run.runId,
      action: "Read it with runs_get: another process follows it to its end.",
    });
    this.#parts.onLost(this.#lost);
    return this.#lost;
  }

  async #write(): Promise<void> {
    const { run, store, keepMs } = this.#parts;
    if (this.#lost) throw this.#lost;
    // Results before the run that says that they are done: who reads it must find them.
    while (this.#unkept.length > 0) await this.#keepResults();
    // A copy with one property overwritten costs V8 a tenth of one with a property left out.
    const outcomes = run.outcomes.map((outcome) => ({ ...outcome, result: undefined }));
    this.#changed = false;
    const version = await store
      .put(runKey(run.runId), JSON.stringify({ ...run, outcomes }), {
        ifVersion: this.#version,
        // The deadline stands for the end of a run whose process dies.
        expiresAt: (run.endedAt ?? run.deadlineAt) + keepMs,
      })
      .catch((error: unknown) => {
        this.#changed = true;
        throw error;
      });
    if (version === undefined) throw this.letGo(`Run ${run.runId} has been taken over by another process.`);
    this.#version = version;
  }

  async #keepResults(): Promise<void> {
    const { run, store, keepMs } = this.#parts;
    const expiresAt = run.deadlineAt + keepMs;
    const writes = this.#unkept.splice(0).map(async (outcome) => {
      const key = resultKey(run.runId, run.outcomes.indexOf(outcome));
      const text = writeJson(outcome.result);
      run.resultBytes = (run.resultBytes ?? 0) + text.length;
      await store.put(key, text, { expiresAt });
      outcome.resultChars = text.length;
      if (this.#forgets) delete outcome.result;
    });
    await this.tell(Promise.all(writes));
  }
}

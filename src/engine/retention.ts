import type { Clock, Logger } from "../core/ports.ts";
import type { RunJournal } from "./run-journal.ts";
import { keptFor, type Retention } from "./run-keys.ts";

const SWEEP_EVERY_MS = 10 * 60_000;

export interface RetentionDependencies {
  clock: Clock;
  logger: Logger;
  journal: RunJournal;
  limits: () => Retention;
}

/**
 * Keeps the ended runs within their number and size, the newest ones; age is what their records expire
 * by. Open runs, and those whose caller's key is still kept, count and are not removed.
 */
export class RetentionSweep {
  readonly #deps: RetentionDependencies;
  #stopTimer: (() => void) | undefined;

  constructor(deps: RetentionDependencies) {
    this.#deps = deps;
  }

  /** Sweeps every 10 minutes. */
  start(): void {
    const { clock, logger } = this.#deps;
    this.#stopTimer = clock.after(SWEEP_EVERY_MS, () => {
      void this.sweep()
        .catch((error: unknown) => logger.warn({ err: error }, "old runs could not be removed"))
        .then(() => this.#stopTimer && this.start());
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Removes what is beyond the limits; how many runs that were. */
  async sweep(): Promise<number> {
    const { journal, limits, clock } = this.#deps;
    const most = limits();
    let [runs, bytes] = [0, 0];
    const beyond: string[] = [];
    for await (const run of journal.all()) {
      runs += 1;
      bytes += JSON.stringify(run).length + (run.resultBytes ?? 0);
      const tooMuch = runs > most.runs || bytes > most.bytes;
      if (tooMuch && run.endedAt !== undefined && clock.now() >= run.endedAt + keptFor(run, 0))
        beyond.push(run.runId);
    }
    for (const runId of beyond) await journal.remove(runId);
    return beyond.length;
  }
}

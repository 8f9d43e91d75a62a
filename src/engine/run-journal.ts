import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Clock, Ids, Store } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import { OpenRun } from "./open-run.ts";
import { RUNS, resultKey, runKey } from "./run-keys.ts";

export interface NewRun extends Omit<Run, "runId" | "createdAt" | "owner" | "attempts"> {}

/** The stored runs: where they are, how they are named, written and read. */
export class RunJournal {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #owner: string;

  constructor({ store, clock, ids, owner }: { store: Store; clock: Clock; ids: Ids; owner: string }) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
    this.#owner = owner;
  }

  /** A new run, not yet written: its first attempt's intent is written with it. */
  open(run: NewRun, cancellation: Cancellation): OpenRun {
    const now = this.#clock.now();
    return new OpenRun({
      // Time first, so that a listing by key is a listing by age; the rest is 128 random bits.
      run: {
        ...run,
        runId: `run-${now.toString(36)}-${this.#ids.random()}`,
        createdAt: now,
        owner: this.#owner,
        attempts: [],
      },
      store: this.#store,
      clock: this.#clock,
      cancellation,
    });
  }

  /** @throws OrchestratorError `run_not_found` */
  async read(runId: string): Promise<Run> {
    const entry = await this.#store.get(runKey(runId));
    if (!entry) throw new OrchestratorError("run_not_found", `There is no run ${runId}.`, { runId });
    return JSON.parse(entry.value) as Run;
  }

  /** Runs from the newest to the oldest. */
  async list({ limit, after }: { limit: number; after?: string | undefined }): Promise<Run[]> {
    const entries = await this.#store.list(RUNS, {
      limit,
      reverse: true,
      ...(after !== undefined && { after: runKey(after) }),
    });
    return entries.map((entry) => JSON.parse(entry.value) as Run);
  }

  /** The stored result of one outcome, as JSON text. */
  async resultText(runId: string, index: number): Promise<string | undefined> {
    return (await this.#store.get(resultKey(runId, index)))?.value;
  }

  /** A stored run with the results of its outcomes. */
  async readWhole(runId: string): Promise<Run> {
    const run = await this.read(runId);
    await Promise.all(
      run.outcomes.map(async (outcome, index) => {
        if (outcome.reply !== "done") return;
        const text = await this.resultText(runId, index);
        if (text !== undefined) outcome.result = JSON.parse(text) as Json;
      }),
    );
    return run;
  }
}

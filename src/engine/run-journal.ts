import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { keepText } from "../core/json-text.ts";
import type { KeptAnswer } from "../core/kept-answer.ts";
import type { Clock, Ids, Store } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import { OpenRun } from "./open-run.ts";
import { answerKey, keptFor, RUNS, resultKey, resultsOf, runKey } from "./run-keys.ts";

/** Few enough that reading them holds up nobody. */
const SCAN_PAGE = 200;

/** `runId` is as `newId` gave it. */
export type NewRun = Omit<Run, "createdAt" | "owner" | "attempts">;

/** The stored runs: where they are, how they are named, written and read. */
export class RunJournal {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #owner: string;

  readonly #keepMs: () => number;

  constructor(deps: { store: Store; clock: Clock; ids: Ids; owner: string; keepMs: () => number }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#ids = deps.ids;
    this.#owner = deps.owner;
    this.#keepMs = deps.keepMs;
  }

  /** Time first, so that a listing by key is a listing by age; the rest is 128 random bits. */
  newId(): string {
    return `run-${this.#clock.now().toString(36)}-${this.#ids.random()}`;
  }

  /** A new run, not yet written: its first attempt's intent is written with it. */
  open(run: NewRun, cancellation: Cancellation): OpenRun {
    const begun: Run = { createdAt: this.#clock.now(), owner: this.#owner, attempts: [], ...run };
    return this.#writer(begun, 0, cancellation);
  }

  #writer(run: Run, version: number, cancellation: Cancellation): OpenRun {
    const keepMs = keptFor(run, this.#keepMs());
    return new OpenRun({ run, version, store: this.#store, clock: this.#clock, keepMs, cancellation });
  }

  /**
   * Makes this process the owner of a stored run that nobody works on any more; `undefined` when it has
   * ended, or somebody else was first.
   */
  async adopt(runId: string, from: string, cancellation: Cancellation): Promise<OpenRun | undefined> {
    return this.#take(runId, cancellation, (run) =>
      run.endedAt !== undefined || run.owner !== from ? undefined : run,
    );
  }

  /** Makes this process the owner of a run that has ended, changed so; `undefined` when it has not. */
  async reopen(
    runId: string,
    change: Partial<Run>,
    cancellation: Cancellation,
  ): Promise<OpenRun | undefined> {
    return this.#take(runId, cancellation, ({ endedAt, ...run }) =>
      endedAt === undefined ? undefined : { ...run, ...change },
    );
  }

  async #take(
    runId: string,
    cancellation: Cancellation,
    change: (run: Run) => Run | undefined,
  ): Promise<OpenRun | undefined> {
    const entry = await this.#store.get(runKey(runId));
    const run = entry && change(JSON.parse(entry.value) as Run);
    if (!run) return undefined;
    run.owner = this.#owner;
    const version = await this.#store.put(runKey(runId), JSON.stringify(run), {
      ifVersion: entry.version,
      expiresAt: run.deadlineAt + keptFor(run, this.#keepMs()),
    });
    return version === undefined ? undefined : this.#writer(run, version, cancellation);
  }

  /** All stored runs, from the newest on, or from the one before `from`; read a page at a time. */
  async *all(from?: string): AsyncGenerator<Run> {
    let after = from;
    for (;;) {
      const page = await this.list({ limit: SCAN_PAGE, after });
      yield* page;
      if (page.length < SCAN_PAGE) return;
      after = page.at(-1)?.runId;
    }
  }

  /** Removes an ended run with its results; its record goes last, so that what is left is found again. */
  async remove(runId: string): Promise<void> {
    for (;;) {
      const results = await this.#store.list(resultsOf(runId), { limit: SCAN_PAGE });
      for (const { key } of results) await this.#store.delete(key);
      if (results.length < SCAN_PAGE) break;
    }
    await this.#store.delete(runKey(runId));
  }

  async has(runId: string): Promise<boolean> {
    return (await this.#store.get(runKey(runId))) !== undefined;
  }

  /** @throws OrchestratorError `run_not_found` */
  async read(runId: string): Promise<Run> {
    const entry = await this.#store.get(runKey(runId));
    if (!entry) throw runNotFound(runId);
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

  /** Until when a run is kept, in epoch milliseconds; the deadline stands for an end that is to come. */
  keptUntil(run: Run): number {
    return (run.endedAt ?? run.deadlineAt) + keptFor(run, this.#keepMs());
  }

  /** Notes what the call of a run was answered with, for as long as the run is kept. */
  async keepAnswer(runId: string, answer: KeptAnswer): Promise<void> {
    const expiresAt = this.keptUntil(await this.read(runId));
    await this.#store.put(answerKey(runId), JSON.stringify(answer), { expiresAt });
  }

  async keptAnswer(runId: string): Promise<KeptAnswer | undefined> {
    const entry = await this.#store.get(answerKey(runId));
    return entry && (JSON.parse(entry.value) as KeptAnswer);
  }

  /** The stored result of one outcome, as JSON text. */
  async resultText(runId: string, index: number): Promise<string | undefined> {
    return (await this.#store.get(resultKey(runId, index)))?.value;
  }

  /** The same run with the results that are stored and not in memory, as those of a run that was adopted. */
  async withResults(run: Run): Promise<Run> {
    const outcomes = await Promise.all(
      run.outcomes.map(async (outcome, index) => {
        if (outcome.reply !== "done" || outcome.result !== undefined) return outcome;
        const text = await this.resultText(run.runId, index);
        return text === undefined
          ? outcome
          : { ...outcome, result: keepText(JSON.parse(text) as Json, text) };
      }),
    );
    return { ...run, outcomes };
  }
}

export function runNotFound(runId: string): OrchestratorError {
  return new OrchestratorError("run_not_found", `There is no run ${runId}.`, { runId });
}

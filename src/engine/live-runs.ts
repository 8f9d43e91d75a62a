import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Clock, Logger, WorkProgress } from "../core/ports.ts";
import type { Run } from "../core/run.ts";
import type { CancelOrders } from "./cancel-orders.ts";
import type { OpenRun } from "./open-run.ts";
import type { PresenceBoard } from "./presence.ts";
import type { NewRun, RunJournal } from "./run-journal.ts";

interface Live {
  open: OpenRun;
  /** Resolves when the run has ended; never rejects. */
  ended: Promise<void>;
}

/** The runs that this process works on: it starts, watches, cancels and awaits them. */
export class LiveRuns {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #journal: RunJournal;
  readonly #board: PresenceBoard;
  readonly #orders: CancelOrders;
  readonly #live = new Map<string, Live>();

  constructor(deps: {
    clock: Clock;
    logger: Logger;
    journal: RunJournal;
    board: PresenceBoard;
    orders: CancelOrders;
  }) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#journal = deps.journal;
    this.#board = deps.board;
    this.#orders = deps.orders;
  }

  /**
   * Starts a run and works on it until it has ended; passing its deadline, or the caller's cancel,
   * cancels it. Rejects when the work could not begin or go on.
   */
  start(
    run: NewRun,
    context: CallContext,
    work: (open: OpenRun) => Promise<void>,
  ): { open: OpenRun; ended: Promise<void> } {
    const cancellation = new Cancellation();
    return this.#follow(this.#journal.open(run, cancellation), context, work);
  }

  /** Works on to its end a run that another process began; `undefined` when there is nothing to take over. */
  async adopt(
    runId: string,
    from: string,
    work: (open: OpenRun) => Promise<void>,
  ): Promise<OpenRun | undefined> {
    // Before the run is ours: should this process die at once, others must be able to see that it is gone.
    await this.#board.announce();
    const open = await this.#journal.adopt(runId, from, new Cancellation());
    if (open) this.#follow(open, { createdBy: open.run.createdBy }, work);
    return open;
  }

  /** Works again on a run that has ended, changed as it is told; `undefined` when somebody else was first. */
  async reopen(
    runId: string,
    change: Partial<Run>,
    context: CallContext,
    work: (open: OpenRun) => Promise<void>,
  ): Promise<{ open: OpenRun; ended: Promise<void> } | undefined> {
    await this.#board.announce();
    const open = await this.#journal.reopen(runId, change, new Cancellation());
    return open && this.#follow(open, context, work);
  }

  #follow(
    open: OpenRun,
    context: CallContext,
    work: (open: OpenRun) => Promise<void>,
  ): { open: OpenRun; ended: Promise<void> } {
    const { cancellation } = open;
    const { runId } = open.run;
    const forget = context.cancellation?.onCancel((error) => {
      // The new owner of a plan follows its calls by their keys: to stop them here would fail it there.
      if (!this.#isPartOfLost(context)) cancellation.cancel(error);
    });
    const stopDeadline = this.#clock.after(Math.max(0, open.remainingMs), () =>
      cancellation.cancel(new OrchestratorError("timeout", `Run ${runId} passed its timeout.`, { runId })),
    );
    const stopListening = this.#orders.listen(runId, () =>
      cancellation.cancel(
        new OrchestratorError("cancelled", "The run was cancelled from another process.", { runId }),
      ),
    );
    if (context.onProgress) this.#report(open, context.onProgress);
    const ended = this.#workOn(open, work, () => {
      stopDeadline();
      stopListening();
      forget?.();
      this.#live.delete(runId);
    });
    const settled = ended.catch((error: unknown) => {
      // Its caller is told, and the run keeps it: only what nobody expected is for the log.
      const level = OrchestratorError.from(error).code === "internal" ? "warn" : "debug";
      this.#logger[level]({ err: error, runId }, "a run broke off");
    });
    this.#live.set(runId, { open, ended: settled });
    return { open, ended };
  }

  async #workOn(open: OpenRun, work: (open: OpenRun) => Promise<void>, onEnd: () => void): Promise<void> {
    try {
      try {
        // Those who come after this process must be able to see that it is gone.
        if (!this.#board.isShown) await this.#board.announce();
        await work(open);
      } catch (error) {
        await open.breakOff(OrchestratorError.from(error));
      }
      await open.close();
    } finally {
      onEnd();
    }
  }

  #isPartOfLost({ partOf }: CallContext): boolean {
    return partOf !== undefined && this.find(partOf.runId)?.lost !== undefined;
  }

  find(runId: string): OpenRun | undefined {
    return this.#live.get(runId)?.open;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Waits until a run of this process has ended, at most `ms`; whether it has. */
  async wait(runId: string, ms: number): Promise<boolean> {
    const live = this.#live.get(runId);
    return live ? within(this.#clock, live.ended, ms) : true;
  }

  /** Waits for all of them. */
  async drain(ms: number): Promise<boolean> {
    return within(this.#clock, Promise.all([...this.#live.values()].map((live) => live.ended)), ms);
  }

  /** Cancels one, and waits until its instances have said what became of it. */
  async cancel(runId: string, error: OrchestratorError): Promise<void> {
    const live = this.#live.get(runId);
    live?.open.cancellation.cancel(error);
    await live?.ended;
  }

  cancelAll(error: OrchestratorError): void {
    for (const { open } of this.#live.values()) open.cancellation.cancel(error);
  }

  /** Leaves what still runs to other processes: nothing more is written or sent for it, or cancelled. */
  letGo(): void {
    for (const { open } of this.#live.values()) open.letGo();
  }

  #report(open: OpenRun, onProgress: NonNullable<CallContext["onProgress"]>): void {
    const { runId, outcomes } = open.run;
    let ended = 0;
    const tell = ({ instance, reply, delivery }: Outcome, working?: WorkProgress) => {
      const counts = { ended, total: outcomes.length };
      try {
        onProgress({ runId, instance, reply, delivery, ...counts, ...(working && { working }) });
      } catch (error) {
        // Whoever watches must not disturb the work.
        this.#logger.warn({ err: error, runId }, "progress could not be told");
      }
    };
    open.onEnded((outcome) => {
      ended += 1;
      tell(outcome);
    });
    open.onWorking(tell);
  }
}

/**
 * Whether `work` settles within `ms`, if there is such a bound, and before this process is `leaving`; a rejection
 * of `work` is passed on.
 */
export function within(
  clock: Clock,
  work: Promise<unknown>,
  ms: number | undefined,
  leaving?: Cancellation,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let forget: (() => void) | undefined;
    const giveUp = () => settle(() => resolve(false));
    const stop = ms === undefined ? undefined : clock.after(ms, giveUp);
    const settle = (tell: () => void) => {
      stop?.();
      forget?.();
      tell();
    };
    work.then(
      () => settle(() => resolve(true)),
      (error: unknown) => settle(() => reject(error)),
    );
    forget = leaving?.onCancel(giveUp);
  });
}

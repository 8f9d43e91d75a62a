import { Cancellation } from "../core/cancellation.ts";
import type { Viewer } from "../core/context.ts";
import type { Outcome } from "../core/outcome.ts";
import type { WorkProgress } from "../core/ports.ts";
import type { RunsEventsInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { RunEvent } from "../core/run-answers.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { runKey } from "./run-keys.ts";
import { takeUp } from "./run-waiting.ts";
import { inlineOutcome } from "./runs.ts";
import { sleep } from "./sleep.ts";
import { stepView } from "./step-views.ts";
import { runView } from "./views.ts";
import { checkVisible } from "./visibility.ts";

/** How often a run of another process is looked at, besides at each change: its owner may die. */
const LOOK_AGAIN_MS = 2_000;

/** Who watches, and until when. */
export interface Watching extends Viewer {
  stop?: Cancellation;
}

/**
 * A run's outcomes as they end, those that had ended first, and at last its end; in between how far those are that
 * are worked on here. What the event of the given id told, and those before it, is left out. Ends when the run has,
 * `stop` is cancelled, or this process leaves.
 *
 * @throws OrchestratorError `run_not_found`
 */
export async function* runEvents(
  parts: EngineParts,
  { runId, after = "0" }: RunsEventsInput,
  { stop: stopped, ...viewer }: Watching,
): AsyncGenerator<RunEvent> {
  await checkVisible(parts, runId, viewer);
  await takeUp(parts, runId);
  const stop = new Cancellation();
  const forget = [stopped, parts.leaving].map((each) => each?.onCancel((error) => stop.cancel(error)));
  // Which outcomes were told, a bit each: an id says by itself what is left to tell, in any process.
  let told = BigInt(`0x${after}`);
  const change = new Change(parts, runId);
  try {
    while (!stop.error) {
      change.seen();
      const open = parts.live.find(runId);
      change.hear(open);
      const run = (await open?.known()) ?? (await parts.journal.read(runId));
      const facts = () => {
        const units = unitsOf(run);
        const ended = units.filter((_, each) => isTold(told, each)).length;
        return { runId, ended, total: units.length };
      };
      for (const index of untold(run, told)) {
        told |= 1n << BigInt(index);
        const event = await eventOf(parts, run, index, facts());
        if (stop.error) return;
        yield { id: told.toString(16), ...event };
      }
      for (const [{ instance, reply, delivery }, working] of change.working()) {
        if (reply !== "pending") continue;
        const data = { ...facts(), instance, reply, delivery, working };
        yield { id: told.toString(16), event: "working", data };
      }
      if (run.endedAt !== undefined && untold(run, told).length === 0) {
        yield { id: told.toString(16), event: "end", data: runView(run) };
        return;
      }
      await change.next(stop);
      await takeUp(parts, runId);
    }
  } finally {
    change.stop();
    for (const each of forget) each?.();
  }
}

/** What ends one after another: the steps of a plan, the outcomes of another run. */
function unitsOf({ plan, outcomes }: Run): readonly { endedAt?: number | undefined }[] {
  return plan?.steps ?? outcomes;
}

async function eventOf(
  parts: EngineParts,
  run: Run,
  index: number,
  facts: { runId: string; ended: number; total: number },
) {
  const step = run.plan?.steps[index];
  if (!step)
    return { event: "outcome", data: { ...(await inlineOutcome(parts, run, index)), ...facts } } as const;
  return { event: "step", data: { ...(await stepView(parts, run.runId, step, index)), ...facts } } as const;
}

function isTold(told: bigint, index: number): boolean {
  return ((told >> BigInt(index)) & 1n) === 1n;
}

/** What has ended and is not told, by the time of its end. */
function untold(run: Run, told: bigint): number[] {
  return unitsOf(run)
    .map(({ endedAt }, index) => ({ endedAt, index }))
    .filter(({ endedAt, index }) => endedAt !== undefined && !isTold(told, index))
    .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
    .map(({ index }) => index);
}

/** Notices that a run's record was written, and what is heard of outcomes that are worked on here. */
class Change {
  readonly #parts: EngineParts;
  readonly #stop: () => void;
  #changed = false;
  #wake = () => {};
  #heard: OpenRun | undefined;
  #stopHearing: (() => void) | undefined;
  #working = new Map<Outcome, WorkProgress>();

  constructor(parts: EngineParts, runId: string) {
    this.#parts = parts;
    this.#stop = parts.store.watch(runKey(runId), () => this.#note());
  }

  #note(): void {
    this.#changed = true;
    this.#wake();
  }

  hear(open: OpenRun | undefined): void {
    if (open === this.#heard) return;
    this.#stopHearing?.();
    this.#heard = open;
    this.#stopHearing = open?.onWorking((outcome, progress) => {
      this.#working.set(outcome, progress);
      this.#note();
    });
  }

  /** The last that was heard of each since this was asked. */
  working(): Map<Outcome, WorkProgress> {
    const working = this.#working;
    this.#working = new Map();
    return working;
  }

  /** What was written until now is read next. */
  seen(): void {
    this.#changed = false;
  }

  /** Resolves when it was written since {@link seen}, at the latest when it is time to look again. */
  async next(stop: Cancellation): Promise<void> {
    if (this.#changed) return;
    const written = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([written, sleep(this.#parts.clock, LOOK_AGAIN_MS, stop)]);
  }

  stop(): void {
    this.#stopHearing?.();
    this.#stop();
  }
}

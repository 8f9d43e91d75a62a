import { Cancellation } from "../core/cancellation.ts";
import type { Viewer } from "../core/context.ts";
import type { RunsEventsInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { RunEvent } from "../core/run-answers.ts";
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
 * A run's outcomes as they end, those that had ended first, and at last its end. What the event of the
 * given id told, and those before it, is left out. Ends when the run has, `stop` is cancelled, or this
 * process leaves.
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
      const run = (await parts.live.find(runId)?.known()) ?? (await parts.journal.read(runId));
      for (const index of untold(run, told)) {
        told |= 1n << BigInt(index);
        const units = unitsOf(run);
        const ended = units.filter((_, each) => isTold(told, each)).length;
        const facts = { runId, ended, total: units.length };
        const event = await eventOf(parts, run, index, facts);
        if (stop.error) return;
        yield { id: told.toString(16), ...event };
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

/** Notices that a run's record was written. */
class Change {
  readonly #parts: EngineParts;
  readonly #stop: () => void;
  #changed = false;
  #wake = () => {};

  constructor(parts: EngineParts, runId: string) {
    this.#parts = parts;
    this.#stop = parts.store.watch(runKey(runId), () => {
      this.#changed = true;
      this.#wake();
    });
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
    this.#stop();
  }
}

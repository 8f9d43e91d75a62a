import type { Run } from "../core/run.ts";
import { within } from "./live-runs.ts";
import type { EngineParts } from "./parts.ts";
import { runKey } from "./run-keys.ts";

/**
 * Waits for a run to end, at most `ms`, whichever process works on it; one whose owner has died is
 * taken up first.
 *
 * @throws OrchestratorError `run_not_found`
 */
export async function awaitRun(parts: EngineParts, runId: string, ms: number): Promise<void> {
  await takeUp(parts, runId);
  if (ms <= 0) return;
  if (parts.live.find(runId)) {
    await parts.live.wait(runId, ms);
    return;
  }
  let stop = () => {};
  const ended = new Promise<void>((resolve) => {
    stop = parts.store.watch(runKey(runId), ({ value }) => {
      if (value === undefined || (JSON.parse(value) as Run).endedAt !== undefined) resolve();
    });
  });
  try {
    const run = await parts.journal.read(runId);
    if (run.endedAt === undefined && !parts.processes.isGone(run.owner)) await within(parts.clock, ended, ms);
  } finally {
    stop();
  }
}

/** A run whose owner has died is taken up at once by whoever asks for it. */
export async function takeUp(parts: EngineParts, runId: string): Promise<void> {
  if (parts.live.find(runId)) return;
  const { endedAt, owner } = await parts.journal.read(runId);
  if (endedAt === undefined && parts.processes.isGone(owner)) await parts.takeOver(runId, owner);
}

/** A run with its results, whether this process works on it or not. */
export async function wholeRun(parts: EngineParts, runId: string): Promise<Run> {
  return parts.journal.withResults(await bareRun(parts, runId));
}

/** The same with no more results than are in memory. */
export async function bareRun({ live, journal }: EngineParts, runId: string): Promise<Run> {
  return (await live.find(runId)?.known()) ?? (await journal.read(runId));
}

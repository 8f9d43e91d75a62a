import type { Viewer } from "../core/context.ts";
import type { EngineParts } from "./parts.ts";
import { runNotFound } from "./run-journal.ts";

/** Whether a caller may see a run or session. */
export function isVisible({ createdBy }: { createdBy: string }, { only }: Viewer): boolean {
  return only === undefined || createdBy === only;
}

/** @throws OrchestratorError `run_not_found`, also for a run that the caller may not see. */
export async function checkVisible(
  { live, journal }: EngineParts,
  runId: string,
  viewer: Viewer,
): Promise<void> {
  if (viewer.only === undefined) return;
  const run = live.find(runId)?.run ?? (await journal.read(runId));
  if (!isVisible(run, viewer)) throw runNotFound(runId);
}

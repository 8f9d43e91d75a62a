/** Ended runs are kept so long. */
export const KEEP_RUNS_MS = 7 * 86_400_000;

/** Where runs are stored, by their id. */
export const RUNS = "run/";

export function runKey(runId: string): string {
  return RUNS + runId;
}

export function resultKey(runId: string, index: number): string {
  return `result/${runId}/${index}`;
}

import type { Run } from "../core/run.ts";

/** How long, how many and how large the ended runs that are kept may be; whichever comes first. */
export interface Retention {
  ageMs: number;
  runs: number;
  /** Of records and results together, in characters of JSON. */
  bytes: number;
}

export const DEFAULT_RETENTION: Retention = { ageMs: 7 * 86_400_000, runs: 10_000, bytes: 2 ** 31 };

/** A caller's key, and with it the run that it stands for, is kept so long at least. */
const KEEP_KEYS_MS = 86_400_000;

/** How long after its end a run is kept: no shorter than the key that stands for it. */
export function keptFor({ keyed }: Pick<Run, "keyed">, ageMs: number): number {
  return keyed ? Math.max(ageMs, KEEP_KEYS_MS) : ageMs;
}

/** Where runs are stored, by their id. */
export const RUNS = "run/";

export function runKey(runId: string): string {
  return RUNS + runId;
}

export function resultKey(runId: string, index: number): string {
  return `${resultsOf(runId)}${index}`;
}

/** Where it is noted what the call of a run was answered with; it goes with the results. */
export function answerKey(runId: string): string {
  return `${resultsOf(runId)}answer`;
}

/** Where the results of a run's outcomes are stored. */
export function resultsOf(runId: string): string {
  return `result/${runId}/`;
}

import type { Random } from "../core/ports.ts";

const BASE_MS = 200;
const CAP_MS = 5_000;
/** A `Retry-After` beyond this is for the caller to wait. */
const LONGEST_RETRY_AFTER_MS = 10_000;
/** Tries after the first: with the pauses between them enough for a server to start again. */
const REPEATS = 5;

/**
 * Milliseconds to wait before a repeat: full jitter over an exponential cap, never less than
 * `Retry-After`; `undefined` when there are to be no more.
 *
 * @param round 0 before the first repeat.
 */
export function repeatDelay(round: number, random: Random, retryAfterMs = 0): number | undefined {
  if (round >= REPEATS || retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
  return Math.max(random() * Math.min(CAP_MS, BASE_MS * 2 ** round), retryAfterMs);
}

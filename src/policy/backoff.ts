import type { Random } from "../core/ports.ts";

const BASE_MS = 200;
const CAP_MS = 10_000;

export interface RetryMoment {
  /** 0 before the first retry. */
  round: number;
  /** The longest `Retry-After` that an instance asked for. */
  retryAfterMs?: number | undefined;
  /** Time until the deadline. */
  remainingMs: number;
  random: Random;
}

/**
 * Milliseconds to wait before a retry: full jitter over an exponential cap (Brooker, "Exponential
 * Backoff And Jitter", 2015), never less than `Retry-After`. `undefined` when the deadline comes first.
 */
export function retryDelay({
  round,
  retryAfterMs = 0,
  remainingMs,
  random,
}: RetryMoment): number | undefined {
  const jitter = random() * Math.min(CAP_MS, BASE_MS * 2 ** round);
  const delay = Math.max(jitter, retryAfterMs);
  return delay < remainingMs ? delay : undefined;
}

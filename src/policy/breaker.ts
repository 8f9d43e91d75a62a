/**
 * One instance's breaker. Times are epoch milliseconds, since the processes of a machine share what is
 * not closed; failures are counted by each process alone.
 */
export type Breaker =
  | { state: "closed"; failures: number }
  /** Nothing is sent there before `until`. */
  | { state: "open"; since: number; until: number; trips: number; reason: string }
  /** One process checks its health; if that process dies, another may from `until` on. */
  | { state: "half-open"; since: number; until: number; trips: number; reason: string; probeBy: string };

export type TrippedBreaker = Exclude<Breaker, { state: "closed" }>;

/** Failures in a row that open it. */
const FAILURES_UNTIL_OPEN = 5;
/** It stays open so long at first, and twice as long after each check that finds it no better. */
const OPEN_MS = 5_000;
const LONGEST_OPEN_MS = 60_000;
/** A health check takes 5 s at most. */
const CLAIM_MS = 10_000;

export const CLOSED: Breaker = { state: "closed", failures: 0 };

/** After an attempt that failed. */
export function failed(breaker: Breaker, reason: string, now: number): Breaker {
  if (breaker.state !== "closed") return breaker;
  const failures = breaker.failures + 1;
  return failures < FAILURES_UNTIL_OPEN ? { state: "closed", failures } : open(1, reason, now);
}

/** After an attempt that went well; one that began before the breaker opened proves nothing. */
export function succeeded(breaker: Breaker, startedAt: number): Breaker {
  if (breaker.state === "closed") return breaker.failures === 0 ? breaker : CLOSED;
  return startedAt > breaker.since ? CLOSED : breaker;
}

/** Whether its health may be checked now, to see if it can close. */
export function isDue(breaker: Breaker, now: number): boolean {
  return breaker.state !== "closed" && now >= breaker.until;
}

/** Half-open for the one that checks; undefined when it is not due, or another checks. */
export function claimed(breaker: Breaker, probeBy: string, now: number): Breaker | undefined {
  if (breaker.state === "closed" || !isDue(breaker, now)) return undefined;
  return { ...breaker, state: "half-open", probeBy, until: now + CLAIM_MS };
}

/** After the health check of the one that had claimed it. */
export function probed(
  breaker: Breaker,
  { probeBy, well, reason }: { probeBy: string; well: boolean; reason: string },
  now: number,
): Breaker {
  if (breaker.state !== "half-open" || breaker.probeBy !== probeBy) return breaker;
  return well ? CLOSED : open(breaker.trips + 1, reason, now);
}

function open(trips: number, reason: string, now: number): Breaker {
  const openMs = Math.min(LONGEST_OPEN_MS, OPEN_MS * 2 ** (trips - 1));
  return { state: "open", since: now, until: now + openMs, trips, reason };
}

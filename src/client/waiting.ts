import type { WaitOptions } from "../core/calls.ts";
import { parseDuration } from "../core/duration.ts";
import { pause } from "./abort.ts";

/** What a server waits and works unless told otherwise. */
const DEFAULT_WAIT_MS = 45_000;
const DEFAULT_TIMEOUT_MS = 600_000;
/** How long instances have to say what the cancel at the deadline came to. */
const CANCEL_MS = 15_000;
/** Node's timers overflow past this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A request that comes back sooner than this has not waited: it is not made again at once. */
const AT_ONCE_MS = 500;

/** A wait, in requests that each wait no longer than proxies allow. */
export class Waiting {
  readonly #endsAt: number;
  readonly #longestMs: number;

  /** @param longestMs How long one request may wait. */
  constructor(waitMs: number, longestMs: number) {
    this.#endsAt = performance.now() + waitMs;
    this.#longestMs = longestMs;
  }

  get remainingMs(): number {
    return Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(this.#endsAt - performance.now())));
  }

  /** What the next request waits. */
  get nextMs(): number {
    return Math.min(this.#longestMs, this.remainingMs);
  }

  /** Before the next request: a server that is about to end answers without waiting. */
  async pauseAfter(askedAt: number): Promise<void> {
    const spareMs = Math.min(AT_ONCE_MS, this.#longestMs) - (performance.now() - askedAt);
    if (spareMs > 0) await pause(Math.min(spareMs, this.remainingMs));
  }
}

/** How long a call that makes a run waits, in milliseconds. */
export function waitOf({ wait, timeout }: WaitOptions): number {
  const timeoutMs = durationMs(timeout) ?? DEFAULT_TIMEOUT_MS;
  const waitMs = durationMs(wait) ?? Math.min(DEFAULT_WAIT_MS, timeoutMs);
  // Who waits as long as the work may take wants to hear how it ended.
  return waitMs >= timeoutMs ? waitMs + CANCEL_MS : waitMs;
}

/** Milliseconds; `undefined` where it is absent, or no duration, which the server says better. */
export function durationMs(value: unknown): number | undefined {
  return typeof value === "string" || typeof value === "number" ? parseDuration(value) : undefined;
}

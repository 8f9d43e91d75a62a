const BUCKET_MS = 1_000;
const BUCKETS = 10;
/** So many retries are free in each window, so that a quiet process may retry too. */
const FREE = 10;
const SHARE_OF_CALLS = 0.2;

/**
 * Limits retries to a fifth of the calls plus ten, over the last ten seconds: a fleet in trouble is not
 * buried under the retries of those who wait for it. `monotonic` is milliseconds that only go forward.
 */
export class RetryBudget {
  readonly #monotonic: () => number;
  readonly #calls = new Array<number>(BUCKETS).fill(0);
  readonly #retries = new Array<number>(BUCKETS).fill(0);
  #bucket: number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#bucket = this.#current();
  }

  /** Counts a call, which is not limited. */
  called(): void {
    const at = this.#slide();
    this.#calls[at] = (this.#calls[at] ?? 0) + 1;
  }

  /** Takes one retry; false when none is left. */
  take(): boolean {
    const at = this.#slide();
    if (sum(this.#retries) >= FREE + Math.floor(SHARE_OF_CALLS * sum(this.#calls))) return false;
    this.#retries[at] = (this.#retries[at] ?? 0) + 1;
    return true;
  }

  #current(): number {
    return Math.floor(this.#monotonic() / BUCKET_MS);
  }

  /** Empties the buckets that have left the window, and returns where this second is counted. */
  #slide(): number {
    const now = this.#current();
    const passed = Math.min(now - this.#bucket, BUCKETS);
    for (let step = 0; step < passed; step++) {
      const at = (now - step) % BUCKETS;
      this.#calls[at] = 0;
      this.#retries[at] = 0;
    }
    this.#bucket = now;
    return now % BUCKETS;
  }
}

function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

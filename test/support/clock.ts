import type { Clock } from "../../src/core/ports.ts";

export interface FakeClock extends Clock {
  /**
   * Moves time on, timer by timer in their order, and lets what each one set off come to rest before
   * the next. Answers of real sockets take longer than that: await a condition for those.
   */
  advance(ms: number): Promise<void>;
  /** How many timers are running. */
  readonly timers: number;
  /** Milliseconds until each running timer fires, the soonest first. */
  readonly due: number[];
}

/** Time that passes only when a test says so. Starts at the given epoch milliseconds. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0;
  const running = new Set<{ at: number; callback: () => void }>();
  const inOrder = () => [...running].sort((a, b) => a.at - b.at);
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after(ms, callback) {
      const timer = { at: elapsed + Math.max(0, ms), callback };
      running.add(timer);
      return () => running.delete(timer);
    },
    async advance(ms) {
      const end = elapsed + ms;
      await settle();
      for (let [next] = inOrder(); next !== undefined && next.at <= end; [next] = inOrder()) {
        running.delete(next);
        elapsed = Math.max(elapsed, next.at);
        next.callback();
        await settle();
      }
      elapsed = end;
    },
    get timers() {
      return running.size;
    },
    get due() {
      return inOrder().map((timer) => timer.at - elapsed);
    },
  };
}

/** Lets promises that wait for nothing but each other come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

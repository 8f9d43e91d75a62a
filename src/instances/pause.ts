import type { Cancellation } from "../core/cancellation.ts";
import type { Clock } from "../core/ports.ts";

/** Waits so many milliseconds, or until it is cancelled. */
export function pause(clock: Clock, ms: number, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve) => {
    let forget = () => {};
    const stop = clock.after(ms, () => {
      forget();
      resolve();
    });
    forget = cancellation.onCancel(() => {
      stop();
      resolve();
    });
  });
}

/** What becomes of the work, or `undefined` once nobody waits for it any more. */
export async function unlessCancelled<T>(
  work: Promise<T>,
  cancellation: Cancellation,
): Promise<T | undefined> {
  let forget = () => {};
  const cancelled = new Promise<undefined>((resolve) => {
    forget = cancellation.onCancel(() => resolve(undefined));
  });
  const first = await Promise.race([work, cancelled]);
  forget();
  return first;
}

import type { Cancellation } from "../core/cancellation.ts";
import type { Clock } from "../core/ports.ts";

/** Waits for `ms`, or until cancelled if that comes first. */
export function sleep(clock: Clock, ms: number, cancellation?: Cancellation): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, () => {
      forget?.();
      resolve();
    });
    const forget = cancellation?.onCancel(() => {
      stop();
      resolve();
    });
  });
}

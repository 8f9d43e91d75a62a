import type { Cancellation } from "../core/cancellation.ts";
import type { Clock } from "../core/ports.ts";

/** Waits for at least `ms`, or until cancelled if that comes first. */
export function sleep(clock: Clock, ms: number, cancellation?: Cancellation): Promise<void> {
  const until = clock.monotonic() + ms;
  return new Promise((resolve) => {
    let stop = () => {};
    let over = false;
    const end = () => {
      over = true;
      stop();
      resolve();
    };
    const forget = cancellation?.onCancel(end);
    const look = () => {
      const left = until - clock.monotonic();
      // A timer counts whole milliseconds, and so may fire before its time.
      if (left > 0) {
        stop = clock.after(Math.ceil(left), look);
        return;
      }
      forget?.();
      end();
    };
    if (!over) look();
  });
}

import type { Cancellation } from "../core/cancellation.ts";

/** Where the configuration says nothing, so many tasks of this process may be at one instance. */
export const DEFAULT_MOST = 64;
/** So many may wait for each slot; whoever comes after them is turned away. */
const WAITING_PER_SLOT = 16;

interface Line {
  inFlight: number;
  waiting: Set<{ most: number; admit: () => void }>;
}

/** How many tasks are at each instance, and who waits for one to end, in the order of coming. */
export class Slots {
  readonly #lines = new Map<string, Line>();

  inFlight(id: string): number {
    return this.#lines.get(id)?.inFlight ?? 0;
  }

  /** Takes a free slot; false when there is none: those that others wait for are never free. */
  take(id: string, most = DEFAULT_MOST): boolean {
    const line = this.#lines.get(id);
    if (!line) {
      this.#lines.set(id, { inFlight: 1, waiting: new Set() });
      return true;
    }
    if (line.inFlight >= most) return false;
    line.inFlight += 1;
    return true;
  }

  /** Waits for a slot. Only `taken` has one, and must release it. */
  async wait(
    id: string,
    cancellation: Cancellation,
    most = DEFAULT_MOST,
  ): Promise<"taken" | "full" | "cancelled"> {
    if (cancellation.error) return "cancelled";
    if (this.take(id, most)) return "taken";
    const { waiting } = this.#lines.get(id) as Line;
    if (waiting.size >= most * WAITING_PER_SLOT) return "full";
    return new Promise((resolve) => {
      const place = {
        most,
        admit: () => {
          forget();
          resolve("taken");
        },
      };
      waiting.add(place);
      const forget = cancellation.onCancel(() => {
        waiting.delete(place);
        resolve("cancelled");
      });
    });
  }

  /** Gives a slot back; the first who waits has it at once. */
  release(id: string): void {
    const line = this.#lines.get(id);
    if (!line) return;
    line.inFlight -= 1;
    for (const place of line.waiting) {
      if (line.inFlight >= place.most) return;
      line.waiting.delete(place);
      line.inFlight += 1;
      place.admit();
    }
    if (line.inFlight === 0) this.#lines.delete(id);
  }
}

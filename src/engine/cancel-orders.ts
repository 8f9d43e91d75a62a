import type { Clock, Store } from "../core/ports.ts";

const ORDERS = "cancel/";
/** A run that takes longer than this listens; nobody cancels a shorter one from elsewhere. */
const LISTEN_AFTER_MS = 200;
const KEEP_ORDERS_MS = 3_600_000;

/** Orders to cancel a run that another process works on. */
export class CancelOrders {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, () => void>();
  #stopWatching: (() => void) | undefined;

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Tells the process that works on the run to cancel it. */
  async give(runId: string): Promise<void> {
    await this.#store.put(ORDERS + runId, "{}", { expiresAt: this.#clock.now() + KEEP_ORDERS_MS });
  }

  /** Calls back when the run is to be cancelled, also where that was said before; returns what stops it. */
  listen(runId: string, onOrder: () => void): () => void {
    const stopTimer = this.#clock.after(LISTEN_AFTER_MS, () => {
      this.#listeners.set(runId, onOrder);
      // A store that is closed or cannot be read has no orders; the work itself says what is wrong with it.
      this.#heed(runId).catch(() => {});
    });
    return () => {
      stopTimer();
      this.#listeners.delete(runId);
      if (this.#listeners.size > 0) return;
      this.#stopWatching?.();
      this.#stopWatching = undefined;
    };
  }

  async #heed(runId: string): Promise<void> {
    this.#stopWatching ??= this.#store.watch(ORDERS, ({ key }) => this.#obey(key));
    const entry = await this.#store.get(ORDERS + runId);
    if (entry) this.#obey(entry.key);
  }

  #obey(key: string): void {
    this.#listeners.get(key.slice(ORDERS.length))?.();
  }
}

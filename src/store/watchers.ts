import type { Change } from "../core/ports.ts";

interface Watcher {
  prefix: string;
  listener: (change: Change) => void;
}

/** Those who watch a store, and the delivery of changes to them. */
export interface Watchers {
  readonly size: number;
  add(prefix: string, listener: (change: Change) => void): () => void;
  /** Whether anybody watches this key. */
  has(key: string): boolean;
  /**
   * Tells the present watchers of the key, in the order of the calls, once the current code has run:
   * a listener may write to the store, and one that throws stops no other.
   */
  tell(change: Change): void;
  clear(): void;
}

export function createWatchers(): Watchers {
  const watchers = new Set<Watcher>();
  return {
    get size() {
      return watchers.size;
    },
    add(prefix, listener) {
      const watcher = { prefix, listener };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    has(key) {
      for (const { prefix } of watchers) if (key.startsWith(prefix)) return true;
      return false;
    },
    tell(change) {
      for (const watcher of watchers) {
        if (!change.key.startsWith(watcher.prefix)) continue;
        queueMicrotask(() => {
          if (watchers.has(watcher)) watcher.listener(change);
        });
      }
    },
    clear() {
      watchers.clear();
    },
  };
}

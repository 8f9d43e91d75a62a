import type { Store } from "../core/ports.ts";

/**
 * A store that is opened on its first use. While it cannot be opened, every call rejects with why, and
 * the next call tries again: a server whose store is broken still starts and says so.
 */
export function lazyStore(open: () => Promise<Store>): Store {
  let opening: Promise<Store> | undefined;
  let closed = false;
  const opened = (): Promise<Store> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    get: async (key) => (await opened()).get(key),
    put: async (key, value, options) => (await opened()).put(key, value, options),
    delete: async (key, options) => (await opened()).delete(key, options),
    list: async (prefix, options) => (await opened()).list(prefix, options),
    watch(prefix, listener) {
      let stop: (() => void) | undefined;
      let stopped = false;
      // A store that cannot be opened has no changes to tell of; its other calls say what is wrong.
      opened().then(
        (store) => {
          if (!stopped && !closed) stop = store.watch(prefix, listener);
        },
        () => {},
      );
      return () => {
        stopped = true;
        stop?.();
      };
    },
    async close() {
      closed = true;
      const store = await opening?.catch(() => undefined);
      await store?.close();
    },
  };
}

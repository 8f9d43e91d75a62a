import type { Cancellation } from "../core/cancellation.ts";

/** A place in the line of one session's senders. */
export interface LinePlace {
  /** Nobody was before it. */
  readonly first: boolean;
  /** Resolves when everyone before has left, or when cancelled. */
  turn(cancellation: Cancellation): Promise<void>;
  /** Lets the next one pass. */
  leave(): void;
}

/**
 * The sends of this process to each session, in the order of their calls: only the first of a line
 * contends with other processes for the session's turn.
 */
export class SessionLines {
  readonly #last = new Map<string, Promise<void>>();

  join(sessionId: string): LinePlace {
    const last = this.#last.get(sessionId);
    const before = last ?? Promise.resolve();
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const all = before.then(() => left);
    this.#last.set(sessionId, all);
    void all.then(() => {
      if (this.#last.get(sessionId) === all) this.#last.delete(sessionId);
    });
    return {
      first: last === undefined,
      leave,
      turn: (cancellation) =>
        new Promise((resolve) => {
          const forget = cancellation.onCancel(() => resolve());
          void before.then(() => {
            forget();
            resolve();
          });
        }),
    };
  }
}

/** How an instance is spoken to. */
export const PROTOCOLS = ["rest", "openclaw", "a2a", "openai"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What a protocol can do; the engine, `health` and `dryRun` use and show it. */
export interface Capabilities {
  /** The same key again is the same task, and can be asked about. */
  idempotency: boolean;
  cancel: boolean;
  /** It gives a handle for work that goes on, which any process can ask about later. */
  async: boolean;
  sessions: boolean;
  /** A session can be opened with the history of an earlier one. */
  history: boolean;
  /** It shows its answer while it makes it. */
  streaming: boolean;
}

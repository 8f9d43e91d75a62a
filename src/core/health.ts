/** What is believed of an instance. */
export const HEALTH_STATES = ["healthy", "degraded", "draining", "down", "unknown"] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** The health of one instance and why it is believed. Times are epoch milliseconds. */
export interface HealthRecord {
  state: HealthState;
  /** When it came into this state. */
  since: number;
  /** The last observation, in words: `connection refused`. */
  reason: string;
  /** When the last poll or call said anything. */
  observedAt?: number;
  /** Round trip of the last poll. */
  latencyMs?: number;
  inFlight?: number;
  /** Identity of the instance's journal, which a tombstone's proof needs. */
  storeId?: string;
  /** Failures in a row. */
  failures: number;
}

/** A change of one instance's state, as the processes of a machine saw it together. */
export interface HealthTransition {
  from: HealthState;
  to: HealthState;
  /** Epoch milliseconds. */
  at: number;
  /** What the first to see it saw. */
  reason: string;
  /** How many calls and polls have seen it in this state; while it is well, only the first. */
  calls: number;
  polls: number;
  /** How many runs went to another instance because of it, and the last of them. */
  rerouted: number;
  runIds: string[];
}

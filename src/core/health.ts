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

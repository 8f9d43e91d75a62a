import type { HealthState } from "./health.ts";
import type { Protocol } from "./protocol.ts";

/** What has changed of what the engine knows, for those who keep a picture of it. */
export type EngineChange =
  /** Who is in the fleet, or how one of them is. */
  | { kind: "fleet" }
  /** A run has come further, or is gone. */
  | {
      kind: "run";
      runId: string;
      /** Whose outcomes have ended since the last time. */
      ended: string[];
      /** It is new or gone, and no part of a plan or a session. */
      listed: boolean;
    }
  /** A session has come further, was opened, closed, or is gone. */
  | { kind: "session"; sessionId: string; listed: boolean }
  /** Some may not have been heard of, where they are told of from elsewhere: anything may have changed. */
  | { kind: "missed" };

/** An instance as it is known without asking it. */
export interface KnownInstance {
  instance: string;
  state: HealthState;
  protocol: Protocol;
  tags: string[];
}

import type { ErrorBody } from "../../src/core/errors.ts";
import type { Sabotage } from "./sabotage.ts";
import type { OverLimit } from "./sizes.ts";

// What the driver and the processes that it starts say to each other.

/** What an instance process is started with. */
export interface InstanceFacts {
  name: string;
  /** 0 for the kernel's choice. */
  port: number;
  journal: string;
  ledger: string;
}

/** Where an instance is reached, and the file that its key is in, if it demands one. */
export interface InstanceAddress {
  url: string;
  keyFile?: string;
}

/** What an orchestrator process is started with. */
export interface OrchestratorFacts {
  store: string;
  /** By name. */
  fleet: Record<string, InstanceAddress>;
  sabotage?: Sabotage | undefined;
}

export type Operation = "delegate" | "fanout" | "orchestrate" | "spawn" | "send" | "get" | "cancel";

/** One call, as a line on an orchestrator's standard input. */
export interface Command {
  id: number;
  operation: Operation;
  input: Record<string, unknown>;
  createdBy: string;
}

/** Its answer, as a line on standard output. */
export type Reply = { id: number; answer: Record<string, unknown> } | { id: number; error: ErrorBody };

/** What a worker of the fleet is asked to do. */
export interface TaskPayload {
  callId: string;
  /** The idempotency key, stamped on where the request goes out. */
  key: string;
  /** How long the work takes. */
  ms: number;
  fail: boolean;
  over?: OverLimit;
  pad?: string;
}

import type { ErrorBody } from "../../src/core/errors.ts";
import type { Sabotage } from "./sabotage.ts";

// What the driver and the processes that it starts say to each other.

/** What an instance process is started with. */
export interface InstanceFacts {
  name: string;
  /** 0 for the kernel's choice. */
  port: number;
  journal: string;
  ledger: string;
}

/** What an orchestrator process is started with. */
export interface OrchestratorFacts {
  store: string;
  /** URLs by name. */
  fleet: Record<string, string>;
  sabotage?: Sabotage | undefined;
}

export type Operation = "delegate" | "fanout" | "spawn" | "send" | "get" | "cancel";

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
  pad?: string;
}

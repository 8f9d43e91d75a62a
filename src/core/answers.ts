import type { AggregateAnswer } from "./aggregate-answers.ts";
import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { HealthState } from "./health.ts";
import type { Json } from "./json.ts";
import type { Capabilities, Protocol } from "./protocol.ts";
import type { Explanation } from "./run.ts";
import type { HistoryCounts, OnInstanceDown } from "./session.ts";
import type { Usage } from "./usage.ts";

export type { AggregateAnswer, MissingInstance } from "./aggregate-answers.ts";

// What the engine's methods return and every face shapes. Times are ISO 8601, spans milliseconds.

export interface AttemptView {
  instance: string;
  delivery: Delivery;
  reply: Reply;
  startedAt: string;
  elapsedMs?: number;
  error?: ErrorBody;
}

export interface OutcomeView {
  instance: string;
  delivery: Delivery;
  reply: Reply;
  result?: Json;
  /** Length of the result's JSON text, in characters, where the result itself is left out. */
  resultChars?: number;
  error?: ErrorBody;
  elapsedMs?: number;
  /** What it cost, as far as the instance said. */
  usage?: Usage;
}

/** The answer of a delegate that is done, or still pending when the wait is over. */
export interface DelegateAnswer {
  runId: string;
  instance?: string;
  delivery: Delivery;
  reply: "done" | "pending";
  result?: Json;
  attempts: AttemptView[];
  explanation: Explanation;
  /** What all attempts cost, as far as the instances said. */
  usage?: Usage;
  /** Of a pending one: whether it goes on, and can be fetched later, when this process ends. */
  survivesExit?: boolean;
  warnings?: string[];
}

/** What a delegate or fanout with `dryRun` would do now: nothing was sent or stored. */
export interface DryRunAnswer {
  dryRun: true;
  operation: "delegate" | "fanout" | "orchestrate";
  explanation: Explanation;
  /** What the protocol of each of them can do. */
  capabilities?: Record<string, Capabilities>;
}

export interface Counts {
  total: number;
  done: number;
  failed: number;
  pending: number;
  cancelled: number;
}

export interface FanoutAnswer {
  runId: string;
  /** Every target has ended. */
  complete: boolean;
  /** The wait was over first. */
  timedOut: boolean;
  counts: Counts;
  /** One entry a target, in target order. */
  outcomes: OutcomeView[];
  aggregate?: AggregateAnswer;
  /** Why there is no aggregate though one was asked for. */
  aggregateError?: ErrorBody;
  /** What all of it cost, as far as the instances said. */
  usage?: Usage;
  /** Of one that is not complete: whether the rest goes on, and can be fetched later, when this process ends. */
  survivesExit?: boolean;
  warnings?: string[];
}

export interface SessionView {
  sessionId: string;
  instance: string;
  state: "open" | "closed";
  messages: number;
  onInstanceDown: OnInstanceDown;
  createdAt: string;
  createdBy: string;
}

export interface SpawnAnswer {
  sessionId: string;
  instance: string;
  token?: string;
}

export interface SendAnswer {
  runId: string;
  sessionId: string;
  instance: string;
  /** Its place in the transcript, once it has its turn. */
  seq?: number;
  delivery: Delivery;
  reply: "done" | "pending";
  result?: Json;
  /** What it cost, as far as the instance said. */
  usage?: Usage;
  /** Of a pending one: whether it goes on, and can be fetched later, when this process ends. */
  survivesExit?: boolean;
  warnings?: string[];
}

export interface MessageView {
  seq: number;
  runId: string;
  instance: string;
  at: string;
  data: Json;
  delivery: Delivery;
  reply: Reply;
  result?: Json;
  error?: ErrorBody;
}

/** The session's move to another owner, in its place between two messages. */
export interface MoveView {
  kind: "moved";
  at: string;
  from: string;
  to: string;
  epoch: number;
  reason: string;
  history: HistoryCounts;
}

export interface HistoryAnswer extends SessionView {
  transcript: (MessageView | MoveView)[];
  /** Where the next page begins, when there is one. */
  next?: number;
  /** Where it was asked for: what the owner itself keeps of the session. */
  remote?: RemoteView;
}

/** What an instance itself keeps of a session, oldest first: its own words. */
export interface RemoteView {
  messages: { role: string; text: string; at?: string }[];
  /** It has left something out. */
  cut?: boolean;
}

/** One page of a listing; `next` goes into the next call's `after`. */
export interface Page<T> {
  items: T[];
  next?: string;
}

export interface InstanceHealth {
  instance: string;
  state: HealthState;
  /** When it came into this state; absent for a name that nobody has. */
  since?: string;
  reason: string;
  checkedAt?: string;
  latencyMs?: number;
  inFlight?: number;
  protocol?: Protocol;
  capabilities?: Capabilities;
  tags?: string[];
  source?: "config" | "cluster";
  /** Absent while it is closed. */
  breaker?: { state: "open" | "half-open"; since: string; until: string; reason: string };
  /** Changes of its state, oldest first, as all processes of this machine saw them; with `detail`. */
  transitions?: TransitionView[];
}

export interface TransitionView {
  from: HealthState;
  to: HealthState;
  at: string;
  reason: string;
  /** How many calls and polls saw it in this state; while it was well, only the first. */
  seenBy: { calls: number; polls: number };
  /** Runs that went to another instance because of it: how many, and the last of them. */
  rerouted?: { count: number; runIds: string[] };
}

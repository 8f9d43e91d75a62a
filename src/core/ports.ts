import type { Cancellation } from "./cancellation.ts";
import type { OrchestratorError } from "./errors.ts";
import type { HealthState } from "./health.ts";
import type { Instance } from "./instance.ts";
import type { Json } from "./json.ts";
import type { Capabilities } from "./protocol.ts";
import type { AnsweredMessage, RemoteTranscript } from "./session.ts";
import type { Usage } from "./usage.ts";

export type { Capabilities } from "./protocol.ts";

// What the engine needs of the world. `instances`, `store` and `cluster` implement these.

/** Time. Wall-clock times are epoch milliseconds; timers never keep the process alive. */
export interface Clock {
  now(): number;
  /** Milliseconds that only go forward, for measuring. */
  monotonic(): number;
  /** Calls back after `ms`; returns what stops it. */
  after(ms: number, callback: () => void): () => void;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** Structured logs: facts first, then the sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** One stored record. `version` rises with every write anywhere in the store. */
export interface Entry {
  key: string;
  /** JSON text. */
  value: string;
  version: number;
}

export interface PutOptions {
  /** Write only if the record has this version now; 0: only if there is none. */
  ifVersion?: number;
  /** Epoch milliseconds after which the record is gone. */
  expiresAt?: number;
}

export interface ListOptions {
  /** Only keys beyond this one, in the direction of the listing. */
  after?: string;
  /** At most so many; 1,000 unless told otherwise. */
  limit?: number;
  /** From the last key to the first. */
  reverse?: boolean;
}

/** A change that this or another process made; `value` is absent when the record was deleted. */
export interface Change {
  key: string;
  version: number;
  value?: string;
}

/**
 * Versioned records with compare-and-set, expiry, prefix listing and a change feed; no transactions over several.
 * Every method rejects with `store_unavailable` when the store cannot be read or written.
 */
export interface Store {
  get(key: string): Promise<Entry | undefined>;
  /** The new version, or `undefined` when `ifVersion` did not hold and nothing was written. */
  put(key: string, value: string, options?: PutOptions): Promise<number | undefined>;
  /** Whether it was there, at `ifVersion` if that is given. */
  delete(key: string, options?: { ifVersion?: number }): Promise<boolean>;
  /** Entries whose key begins with `prefix`, by key. */
  list(prefix: string, options?: ListOptions): Promise<Entry[]>;
  /** Calls back for each later change under `prefix`, in order; returns what stops it. */
  watch(prefix: string, listener: (change: Change) => void): () => void;
  close(): Promise<void>;
}

/** What one exchange with an instance established. */
export type Answer =
  | (Accepted & { reply: "done"; result: Json; usage?: Usage; warning?: string })
  | (Accepted & { reply: "failed"; error: OrchestratorError; usage?: Usage })
  | (Accepted & { reply: "cancelled"; error: OrchestratorError; usage?: Usage })
  /** Still working, or its answer was lost: ask again. */
  | (Accepted & { reply: "pending"; error?: OrchestratorError })
  | NoReply
  | NotSent;

/** `remoteId` is what the instance calls the session from here on, where it has another name for it now. */
type Accepted = { delivery: "accepted"; taskId?: string; remoteId?: string };

/** Nobody knows whether it arrived, or it did and nothing more will be heard of it. */
export interface NoReply {
  delivery: "unknown" | "accepted";
  reply: "none";
  taskId?: string;
  error: OrchestratorError;
}

export interface NotSent {
  delivery: "not_sent";
  reply: "none";
  error: OrchestratorError;
  /** `later`: may be tried here again. `never`: this instance refuses this very request. */
  again: "later" | "never";
  /** What `Retry-After` asked for. */
  retryAfterMs?: number;
  /** Proved by a tombstone, which has burnt the key: another attempt here needs another. */
  keyBurnt?: true;
  /** No connection could be made: the instance itself is unreachable. */
  unreachable?: boolean;
}

/** One piece of work for one instance. */
export interface Call {
  key: string;
  payload: Json;
  /** How many orchestrators it has passed. */
  hops: number;
  /** How long the instance may hold the request open before it answers `pending`. */
  waitMs: number;
  cancellation: Cancellation;
  /** What was said before in the session, oldest first; for a client that `replays`. */
  history?: readonly AnsweredMessage[];
  /** Told of the instance's own id for the work as soon as there is one: from then on anybody can ask. */
  onHandle?: (handle: { taskId: string; remoteId?: string }) => void;
  /** Told how far the answer is, where the instance shows it. */
  onProgress?: (progress: WorkProgress) => void;
}

/** How far an instance is with its answer. */
export interface WorkProgress {
  /** Characters of the answer so far. */
  chars?: number;
  /** What it says that it is doing: its own words. */
  note?: string;
}

/** Names a task at its instance: by its own id where it gave one, else by our key. */
export interface TaskRef {
  key: string;
  taskId?: string;
}

export interface AskOptions {
  waitMs: number;
  cancellation: Cancellation;
}

/** What an instance says of a task that it was told to cancel. */
export type CancelAnswer =
  | { known: true; answer: Answer }
  /** It never saw the key and will never run it: proof, if `storeId` is the one seen before the send. */
  | { known: false; storeId: string }
  /** The connection that it answered on is closed, which stops it: nobody confirms that. */
  | { known: "disconnected" }
  /** It could not be asked, or cannot cancel. */
  | { known: "unknown"; error: OrchestratorError };

export interface Probe {
  state: Exclude<HealthState, "unknown">;
  reason: string;
  latencyMs: number;
  inFlight?: number;
  storeId?: string;
}

export interface OpenSession {
  sessionId: string;
  epoch: number;
  /** What was said before, as context; it is no work. */
  history?: readonly AnsweredMessage[];
  cancellation: Cancellation;
}

/** How one instance is spoken to. What sends never rejects: its answer tells all; sessions reject with a refusal. */
export interface InstanceClient {
  readonly capabilities: Capabilities;
  /** The instance keeps no sessions: each message is to bring the ones before it. */
  readonly replays?: boolean;
  /** The tags that the instance gives itself, as far as they can be learnt within moments; never rejects. */
  tags?(): Promise<readonly string[]>;
  send(call: Call): Promise<Answer>;
  /** Asks about a task that was or may have been delivered; never sends the work again. */
  ask(task: TaskRef, options: AskOptions): Promise<Answer | "unseen">;
  cancel(task: TaskRef): Promise<CancelAnswer>;
  check(timeoutMs: number): Promise<Probe>;
  /** Opens a session and returns the instance's own id for it. */
  openSession(session: OpenSession): Promise<{ remoteId: string }>;
  /** Sends one message to an open session, as {@link send} does a task. */
  message(remoteId: string, epoch: number, seq: number, call: Call): Promise<Answer>;
  closeSession(remoteId: string): Promise<void>;
  /** What the instance itself keeps of a session, where that can be read. */
  transcript?(remoteId: string): Promise<RemoteTranscript>;
}

/** Clients of instances, one for each name and origin, with their connections. */
export interface InstanceClients {
  of(instance: Instance): InstanceClient;
  close(): Promise<void>;
}

/** A skill or an instance that is registered with the cluster. Times are epoch milliseconds. */
export interface Member {
  kind: "instance" | "skill";
  name: string;
  url?: string;
  protocol?: Instance["protocol"];
  tags?: string[];
  since: number;
  until: number;
}

/** The members of the distributed-comms cluster. */
export interface Members {
  /** @throws OrchestratorError `instance_down` when the cluster does not answer. */
  list(kind: Member["kind"]): Promise<Member[]>;
  /** Calls back when a list that was given is no longer true, where that is known at once. */
  watch?(listener: () => void): void;
}

/** The processes of this machine, for telling whether the owner of a record is gone. */
export interface Processes {
  /** Identity of this process: unique among all that ever ran here. */
  readonly self: string;
  /** True only if it is certain that this process has ended. */
  isGone(processId: string): boolean;
}

/** Secrets and identities. */
export interface Ids {
  /** Text of at least 128 random bits, safe in URLs. */
  random(): string;
  /** SHA-256 of a secret, base64url: what is stored in its place. */
  hash(secret: string): string;
}

import type { AggregationStrategy } from "./aggregation/strategy.ts";
import type { BalancingStrategy } from "./balancing.ts";
import type { Selector } from "./selector.ts";
import type { OnInstanceDown } from "./session.ts";

// What a program hands in: the input of `requests.ts` as plain types, which name no schema library. A
// test holds the two together.

/** Seconds, or text with a unit: `10`, `"10s"`, `"500ms"`, `"5m"`. */
export type Duration = number | string;

export interface WaitOptions {
  /** Deadline of the whole work, 10 minutes unless told otherwise; passing it cancels. */
  timeout?: Duration | undefined;
  /** How long the call stays open, 45 s unless told otherwise; past it the work goes on. */
  wait?: Duration | undefined;
}

export interface RepetitionOptions {
  /** Your own key for this work: the same key again is answered with the same run. */
  idempotencyKey?: string | undefined;
  /** Never answer with the run of an earlier identical call whose answer reached nobody. */
  fresh?: boolean | undefined;
}

export interface DelegateCall extends WaitOptions, RepetitionOptions {
  /** Candidates in order; the configured `instances` unless given. */
  instances?: Selector | undefined;
  payload?: unknown;
  /** Rounds of retries after the first, 0 to 10; 3 unless told otherwise. */
  retries?: number | undefined;
  /** Doing the work twice is harmless. */
  idempotent?: boolean | undefined;
  /** Who may take over: the other listed ones (the default), any healthy instance, or nobody. */
  fallback?: "listed" | "any" | "none" | undefined;
  pick?: BalancingStrategy | undefined;
  /** Only explain who would be asked. */
  dryRun?: boolean | undefined;
}

export interface AggregateOptions {
  /** `rank-fusion`: path of a hit's identity; `id` unless given. */
  key?: string | undefined;
  /** `rank-fusion`: how many hits to keep. */
  limit?: number | undefined;
  /** `concat`: text between answers. */
  separator?: string | undefined;
}

export type AggregateSpec =
  | boolean
  | AggregationStrategy
  | ({ strategy: AggregationStrategy } & AggregateOptions);

export interface FanoutCall extends WaitOptions, RepetitionOptions {
  /** Who is asked; the configured `instances` unless given. */
  targets?: Selector | undefined;
  payload?: unknown;
  /** A payload of its own for an instance, by its name. */
  payloads?: Record<string, unknown> | undefined;
  /** Combine the answers; `true` collects them. */
  aggregate?: AggregateSpec | undefined;
  retries?: number | undefined;
  /** Stop waiting after so many replies. */
  minReplies?: number | undefined;
  /** Stop waiting when nobody new has answered for so long. */
  stall?: Duration | undefined;
  /** Cancel what is still out when the waiting ends. */
  cancelRest?: boolean | undefined;
  /** How many are asked at once; 64 unless told otherwise. */
  concurrency?: number | undefined;
  dryRun?: boolean | undefined;
}

/** With either `runId` or `responses`. */
export interface AggregateCall extends AggregateOptions {
  runId?: string | undefined;
  responses?: { instance: string; result: unknown }[] | undefined;
  strategy: AggregationStrategy;
}

export interface SessionsSpawnCall {
  sessionId: string;
  /** Who may own it; any of the fleet unless given. */
  instance?: Selector | undefined;
  onInstanceDown?: OnInstanceDown | undefined;
  /** Also return the token, which opens this one session. */
  withToken?: boolean | undefined;
}

export interface SessionsSendCall extends WaitOptions, RepetitionOptions {
  sessionId: string;
  data?: unknown;
  token?: string | undefined;
  /** False: refuse with `session_busy` rather than wait for its turn. */
  queue?: boolean | undefined;
}

export interface PageCall {
  /** At most so many, 1 to 1,000; 50 unless told otherwise. */
  limit?: number | undefined;
  /** Where the page before ended: its `next`. */
  after?: string | undefined;
}

export interface SessionsHistoryCall {
  sessionId: string;
  token?: string | undefined;
  limit?: number | undefined;
  /** Only messages after this sequence number. */
  after?: number | undefined;
}

export interface SessionsCloseCall {
  sessionId: string;
  token?: string | undefined;
}

export interface HealthCall {
  instances?: Selector | undefined;
  /** Also what each one's past was. */
  detail?: boolean | undefined;
}

export interface RunsGetCall {
  runId: string;
  /** Wait so long for a run that is still open. */
  wait?: Duration | undefined;
  /** Only this instance's result, as text, whole and in pages. */
  instance?: string | undefined;
  /** Where the page begins, in characters. */
  offset?: number | undefined;
}

export interface RunsCancelCall {
  runId: string;
}

export interface RunsEventsCall {
  runId: string;
  /** The `id` of the last event that was seen: what it and those before it told is not told again. */
  after?: string | undefined;
}

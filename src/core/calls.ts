import type { AggregationStrategy, Normalization, Order } from "./aggregation/strategy.ts";
import type { BalancingStrategy } from "./balancing.ts";
import type { KeptAnswer } from "./kept-answer.ts";
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

/** What a run or a plan may spend: nothing more is begun after that. */
export interface Budget {
  /** Requests that carry work, retries among them; of a plan, tasks, one an instance. */
  maxCalls?: number | undefined;
  /** Tokens, as far as the instances say. */
  maxTokens?: number | undefined;
  /** US dollars, as far as the instances say. */
  maxCostUsd?: number | undefined;
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
  budget?: Budget | undefined;
  /** Only explain who would be asked. */
  dryRun?: boolean | undefined;
}

export interface AggregateOptions {
  /** `majority`, `quorum`, `numeric`, `top`: what is compared or counted, such as `a.b` or `items[0].id`. */
  path?: string | undefined;
  /** `rank-fusion`, `unique`: path of an entry's identity; `id` unless given, for `unique` the whole entry. */
  key?: string | undefined;
  /** `rank-fusion`, `unique`, `top`: how many entries to keep. */
  limit?: number | undefined;
  /** `concat`: text between answers. */
  separator?: string | undefined;
  /** `majority`, `quorum`: how text is read before it is compared; `trim` unless given. */
  normalize?: Normalization | undefined;
  /** `quorum`: how many must agree. */
  quorum?: number | undefined;
  /** `top`: `desc`, the highest first, unless given. */
  order?: Order | undefined;
  /** `reduce`, `judge`: who is asked. */
  instance?: string | string[] | undefined;
  /** `reduce`, `judge`: what that one is told. */
  instruction?: string | undefined;
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
  /** Fewer answers than this are the error `quorum_not_met`. */
  minSuccess?: number | undefined;
  /** Cancel what is still out when the waiting ends; unless given, only when a `quorum` is met. */
  cancelRest?: boolean | undefined;
  /** `brief`: the length of each result stands in its place; the results are stored. */
  detail?: "full" | "brief" | undefined;
  /** `"*"` is meant, however many it picks: a program is never asked. */
  confirmed?: boolean | undefined;
  /** How many are asked at once; 64 unless told otherwise. */
  concurrency?: number | undefined;
  budget?: Budget | undefined;
  dryRun?: boolean | undefined;
}

/**
 * With one of `runId`, `runIds` and `responses`. `timeout`, `wait` and `idempotencyKey` are for `reduce` and
 * `judge`, whose work is a run of its own.
 */
export interface AggregateCall extends AggregateOptions, WaitOptions {
  runId?: string | undefined;
  /** Several runs, combined as one. */
  runIds?: string[] | undefined;
  responses?: { instance: string; result: unknown }[] | undefined;
  strategy: AggregationStrategy;
  /** Fewer answers than this are the error `quorum_not_met`. */
  minSuccess?: number | undefined;
  idempotencyKey?: string | undefined;
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

/** One step of a plan: one of `delegate`, `fanout`, `aggregate`, `session`, with that call's own fields. */
export interface PlanStep {
  /** Letters, digits and `_`. */
  id: string;
  /** Steps that must have ended before this one begins. */
  needs?: string[] | undefined;
  delegate?: Record<string, unknown> | undefined;
  fanout?: Record<string, unknown> | undefined;
  aggregate?: Record<string, unknown> | undefined;
  /** `{ spawn }`, `{ send }` or `{ close }`. */
  session?: Record<string, unknown> | undefined;
  /** A list, or a reference to one: the step is done for each `${item}`. */
  forEach?: unknown;
  /** `forEach`: how many at once; 8 unless told otherwise. */
  concurrency?: number | undefined;
  /** A reference, or `{ value, equals }` and the like. */
  when?: unknown;
  onError?: "fail" | "continue" | { use: unknown } | { fallback: string } | undefined;
  timeout?: Duration | undefined;
  retries?: number | undefined;
}

/** A plan: its steps, or `resume` with the run of one that failed. */
export interface OrchestrateCall extends WaitOptions, RepetitionOptions {
  $schema?: string | undefined;
  description?: string | undefined;
  inputs?: Record<string, unknown> | undefined;
  steps?: PlanStep[] | undefined;
  /** What the plan's value is; the last step's unless given. */
  output?: unknown;
  /** How many steps at once; 16 unless told otherwise. */
  concurrency?: number | undefined;
  budget?: Budget | undefined;
  resume?: string | undefined;
  dryRun?: boolean | undefined;
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
  /** Also what the owner itself keeps of it; only protocol `openclaw` tells. */
  remote?: boolean | undefined;
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
  /** Of a plan: only this step's value, as text, whole and in pages. */
  step?: string | undefined;
  /** Of a plan: only what it came to, as text, whole and in pages. */
  value?: boolean | undefined;
  /** Where the page begins, in characters. */
  offset?: number | undefined;
}

export interface RunsCancelCall {
  runId: string;
}

export interface RunsAnswerCall {
  runId: string;
}

export interface KeepAnswerCall {
  runId: string;
  answer: KeptAnswer;
}

export interface RunsEventsCall {
  runId: string;
  /** The `id` of the last event that was seen: what it and those before it told is not told again. */
  after?: string | undefined;
}

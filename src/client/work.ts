import type { WaitOptions } from "../core/calls.ts";
import { type ErrorFacts, OrchestratorError } from "../core/errors.ts";
import type { CallOptions } from "../core/orchestrator.ts";
import { unlessAborted } from "./abort.ts";
import type { Answered } from "./answer.ts";
import type { Api } from "./api.ts";
import { has, idIn } from "./paths.ts";
import { durationMs, Waiting, waitOf } from "./waiting.ts";
import { type Enough, watchRun } from "./watch.ts";

/** A call that makes a run, under a key: however often it arrives, the server makes one run of it. */
export interface WorkCall {
  path: "route" | "fanout" | "sessions/send" | "orchestrate";
  body: WaitOptions & { idempotencyKey: string; cancelRest?: boolean | undefined };
  /** A session's token, in place of the API key. */
  token?: string | undefined;
  /** What may end a fan-out's waiting before it has ended. */
  early?: Enough | undefined;
}

/** What every answer of such a call has; `timedOut` is a fan-out's alone. */
interface RunAnswer {
  runId: string;
  timedOut?: boolean;
}

/** One call that makes a run: it waits for the run, watches it, and cancels it when told. */
export class Work<T extends RunAnswer> {
  readonly #api: Api;
  readonly #call: WorkCall;
  /** How long one request waits, in milliseconds. */
  readonly #longestMs: number;
  readonly #stop = new AbortController();
  /** A request of it may have left. */
  #begun = false;
  /** It was given up when one may have arrived. */
  #doubtful = false;
  #runId: string | undefined;
  #onRun: CallOptions["onRun"];

  constructor(api: Api, call: WorkCall, longestMs: number) {
    this.#api = api;
    this.#call = call;
    this.#longestMs = longestMs;
  }

  /**
   * The answer in the shape of its operation, when the work is done or the wait is over. Once the signal
   * is aborted: what became of the work, which is cancelled.
   *
   * @throws OrchestratorError
   */
  async answer({ signal, onProgress, onRun }: CallOptions = {}): Promise<T> {
    if (signal?.aborted) throw nothingSent();
    this.#onRun = onRun;
    try {
      return await unlessAborted(this.#awaited(onProgress), signal);
    } catch (error) {
      if (!signal?.aborted) throw error;
      return await this.#cancelled();
    } finally {
      this.#stop.abort();
    }
  }

  async #awaited(onProgress: CallOptions["onProgress"]): Promise<T> {
    const { body, early } = this.#call;
    const waitMs = durationMs(body.wait);
    // The server bounds what one request waits: there it would end the waiting, and cancel the rest.
    if (onProgress || this.#onRun || (early && (waitMs ?? 0) > this.#longestMs))
      return this.#watched(onProgress);
    if (early || waitMs === undefined) return (await this.#post()).body;
    return (await this.#untilOver(new Waiting(waitOf(body), this.#longestMs))).body;
  }

  /** Asks, as often as it takes for the run to end or the wait to be over: it is the same run each time. */
  async #untilOver(waiting: Waiting): Promise<Answered<T>> {
    for (;;) {
      const askedAt = performance.now();
      const answered = await this.#post(() => waiting.nextMs);
      if (!answered.pending || waiting.remainingMs === 0) return answered;
      await waiting.pauseAfter(askedAt);
    }
  }

  /** Has the run made, watches its events, and asks what it came to. */
  async #watched(onProgress: CallOptions["onProgress"]): Promise<T> {
    const { body, early = {} } = this.#call;
    const waiting = new Waiting(waitOf(body), this.#longestMs);
    const first = await this.#post(() => 0).catch((error: OrchestratorError) => error);
    const failed = first instanceof OrchestratorError;
    const runId = failed ? first.runId : first.body.runId;
    if (runId === undefined) throw first;
    const { signal } = this.#stop;
    const watching = { runId, waitMs: waiting.remainingMs, enough: early, onProgress, signal };
    const why = onProgress || !failed ? await watchRun(this.#api, watching) : "ended";
    if (failed) throw first;
    const last = why === "enough" ? await this.#post(() => 0) : await this.#untilOver(waiting);
    if (!last.pending || !this.#call.early) return last.body;
    if (!body.cancelRest) return { ...last.body, timedOut: why !== "enough" };
    await this.#cancelRun();
    return { ...(await this.#post(() => 0)).body, timedOut: why !== "enough" };
  }

  /** Cancels the run, whose id is asked for if it is not known, and asks what became of it. */
  async #cancelled(): Promise<T> {
    if (!this.#begun) {
      this.#stop.abort();
      throw nothingSent();
    }
    this.#doubtful = true;
    if (this.#runId === undefined) {
      const { pending, body } = await this.#post(() => 0);
      if (!pending) return body;
    }
    const refusal = await this.#cancelRun().catch((error: OrchestratorError) => error);
    const last = await this.#post(() => 0);
    if (last.pending && refusal) throw refusal;
    return last.body;
  }

  #know(runId: string): void {
    const isNew = this.#runId === undefined;
    this.#runId = runId;
    try {
      if (isNew) this.#onRun?.(runId);
    } catch {
      // The watcher's own trouble is not the work's.
    }
  }

  async #cancelRun(): Promise<undefined> {
    const path = `runs/${idIn(this.#runId ?? "", "runId")}`;
    try {
      await this.#api.call(() => ({ method: "DELETE", path, kind: "read", isOurs: has("runId") }));
    } catch (error) {
      throw this.#honest(OrchestratorError.from(error), "It goes on: cancel it with runsCancel.");
    }
  }

  /** Asks for the work, and to wait for it as long as `wait` says; as long as the call does without one. */
  async #post(wait?: () => number): Promise<Answered<T>> {
    const { path, body, token } = this.#call;
    try {
      const answered = await this.#api.call<T>(() => {
        const waitMs = wait?.();
        return {
          ...{ method: "POST", path, kind: "keyed", key: body.idempotencyKey, token },
          // The rest is cancelled when the call's own waiting ends, not that of one request.
          body: waitMs === undefined ? body : { ...body, wait: `${waitMs}ms`, cancelRest: undefined },
          waitMs: waitMs ?? durationMs(body.wait) ?? this.#longestMs,
          signal: this.#stop.signal,
          onStart: () => {
            this.#begun = true;
          },
          isOurs: has("runId"),
        };
      });
      this.#know(answered.body.runId);
      return answered;
    } catch (error) {
      throw this.#honest(OrchestratorError.from(error));
    }
  }

  /** What one request failed with says nothing against what an earlier one may have begun. */
  #honest(error: OrchestratorError, action?: string): OrchestratorError {
    if (error.runId !== undefined || (this.#runId === undefined && !this.#doubtful)) return error;
    const { idempotencyKey } = this.#call.body;
    const facts: ErrorFacts = { runId: this.#runId, delivery: "unknown", action };
    return error.with({ ...facts, details: { ...error.details, idempotencyKey } });
  }
}

function nothingSent(): OrchestratorError {
  return new OrchestratorError("cancelled", "The caller cancelled before anything was sent.", {
    delivery: "not_sent",
  });
}

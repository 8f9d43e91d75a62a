import { randomUUID } from "node:crypto";
import type * as answers from "../core/answers.ts";
import type * as calls from "../core/calls.ts";
import type { EngineChange } from "../core/changes.ts";
import { isObject } from "../core/json.ts";
import type { CallOptions, Orchestrator } from "../core/orchestrator.ts";
import type { OrchestrateAnswer } from "../core/plan-answers.ts";
import type { ResultPage, RunAnswer, RunDetail, RunEvent, RunView } from "../core/run-answers.ts";
import type { Selector } from "../core/selector.ts";
import { Api, type ApiCall } from "./api.ts";
import { followChanges } from "./changes.ts";
import { combine } from "./combine.ts";
import { followRun } from "./events.ts";
import { has, idIn, query } from "./paths.ts";
import { resumePlan } from "./resume.ts";
import { durationMs, Waiting } from "./waiting.ts";
import type { Enough } from "./watch.ts";
import { Work, type WorkCall } from "./work.ts";

export interface OrchestratorClientOptions {
  /** The URL of `orchestrator serve`, such as `http://127.0.0.1:7411`. */
  url: string;
  /** A key that it accepts; on loopback it may need none. */
  apiKey?: string | undefined;
  /** Milliseconds that it may take to answer, besides what it is asked to wait; 30,000 unless told otherwise. */
  timeoutMs?: number;
  /** Milliseconds for a connection; 5,000 unless told otherwise. */
  connectTimeoutMs?: number;
  /**
   * Milliseconds that one request waits at most, 60,000 unless told otherwise: proxies cut longer ones. A
   * longer wait is made of several.
   */
  longestWaitMs?: number;
  /** Most bytes of one answer; 256 MiB unless told otherwise. */
  bodyLimit?: number;
  /** The calls are a model's: the server has it confirm that `*` is meant where that picks many. */
  confirmsAll?: boolean;
  /** Uniform in [0, 1), for the pauses between tries. */
  random?: () => number;
}

/**
 * The engine of an `orchestrator serve`, over its REST API.
 *
 * Every delegate, fanout and send goes out under an idempotency key, the caller's own or a random one:
 * when an answer is lost it is asked for again, and the work is done once.
 */
export class OrchestratorClient implements Orchestrator {
  readonly #api: Api;
  readonly #longestWaitMs: number;

  /** @throws OrchestratorError `bad_request` for what is no URL of a server. */
  constructor(options: OrchestratorClientOptions) {
    const { url, apiKey, timeoutMs = 30_000, connectTimeoutMs = 5_000 } = options;
    const { longestWaitMs = 60_000, bodyLimit = 256 * 1024 * 1024, random = Math.random } = options;
    const { confirmsAll = false } = options;
    this.#api = new Api({
      ...{ url, timeoutMs, connectTimeoutMs, bodyLimit, random, confirmsAll },
      apiKey: apiKey || undefined,
    });
    this.#longestWaitMs = longestWaitMs;
  }

  async delegate(
    call: calls.DelegateCall,
    options?: CallOptions,
  ): Promise<answers.DelegateAnswer | answers.DryRunAnswer> {
    if (call.dryRun) return this.#dryRun("route", call, options);
    return this.#work("route", call, options);
  }

  /**
   * With `minReplies`, `stall` or `cancelRest`, and a wait beyond one request or `onProgress`, it is this
   * client that ends the waiting: should its process end before, the rest is not cancelled.
   */
  async fanout(
    { aggregate, ...rest }: calls.FanoutCall,
    options?: CallOptions,
  ): Promise<answers.FanoutAnswer | answers.DryRunAnswer> {
    const call = {
      ...rest,
      // `true` would be answered with a plain array, without its run.
      ...(aggregate && { aggregate: aggregate === true ? { strategy: "collect" } : aggregate }),
    };
    if (call.dryRun) return this.#dryRun("fanout", call, options);
    return this.#work("fanout", call, options, { early: enoughOf(rest) });
  }

  async orchestrate(
    call: calls.OrchestrateCall,
    options: CallOptions = {},
  ): Promise<OrchestrateAnswer | answers.DryRunAnswer> {
    if (call.dryRun) return this.#dryRun("orchestrate", call, options);
    const { resume } = call;
    if (resume === undefined) return this.#work("orchestrate", call, options);
    return resumePlan(this.#api, { ...call, resume }, this.#longestWaitMs, options);
  }

  async aggregate(call: calls.AggregateCall, { signal }: CallOptions = {}): Promise<answers.AggregateAnswer> {
    return combine(this.#api, call, this.#longestWaitMs, signal);
  }

  async sessionsSpawn({ withToken, ...body }: calls.SessionsSpawnCall): Promise<answers.SpawnAnswer> {
    const path = "sessions/spawn";
    const isOurs = has("sessionId");
    const spawned = await this.#ask<answers.SpawnAnswer>({
      ...{ method: "POST", path, body, kind: "once", isOurs },
    });
    const { token, ...answer } = spawned;
    return withToken && token !== undefined ? { ...answer, token } : answer;
  }

  async sessionsSend(
    { token, ...call }: calls.SessionsSendCall,
    options?: CallOptions,
  ): Promise<answers.SendAnswer> {
    return this.#work("sessions/send", call, options, { token });
  }

  async sessionsList({ limit, after }: calls.PageCall = {}): Promise<answers.Page<answers.SessionView>> {
    return this.#get(`sessions${query({ limit, after })}`, has("items"));
  }

  async sessionsHistory(call: calls.SessionsHistoryCall): Promise<answers.HistoryAnswer> {
    const { sessionId, token, limit, after, remote } = call;
    const path = `sessions/${idIn(sessionId, "sessionId")}${query({ limit, after, remote })}`;
    return this.#get(path, has("transcript"), { token });
  }

  async sessionsClose({ sessionId, token }: calls.SessionsCloseCall): Promise<answers.SessionView> {
    const path = `sessions/${idIn(sessionId, "sessionId")}`;
    return this.#ask({ method: "DELETE", path, token, kind: "once", isOurs: has("sessionId") });
  }

  async health({ instances, detail }: calls.HealthCall = {}): Promise<answers.InstanceHealth[]> {
    const path = `health${query({ instances: namesOf(instances), detail: true })}`;
    const byName = await this.#get<Record<string, Omit<answers.InstanceHealth, "instance">>>(path, (body) =>
      Object.values(body).every(isObject),
    );
    // Only with `detail` does the server say why; what was before is left out unless it was asked for.
    return Object.entries(byName).map(([instance, { transitions, ...facts }]) => ({
      instance,
      ...facts,
      ...(detail && transitions && { transitions }),
    }));
  }

  async runsGet(call: calls.RunsGetCall): Promise<RunDetail | ResultPage> {
    const { runId, wait, instance, step, value, offset } = call;
    const page = { instance, step, value, offset };
    const path = `runs/${idIn(runId, "runId")}`;
    const waitMs = durationMs(wait);
    if (waitMs === undefined) return this.#get(path + query({ wait, ...page }), has("runId"));
    const waiting = new Waiting(waitMs, this.#longestWaitMs);
    while (waiting.remainingMs > this.#longestWaitMs) {
      const askedAt = performance.now();
      const run = await this.#waitFor<RunDetail>(path, waiting, {});
      if (run.state === "ended") break;
      await waiting.pauseAfter(askedAt);
    }
    return this.#waitFor(path, waiting, page);
  }

  async runsList({ limit, after }: calls.PageCall = {}): Promise<answers.Page<RunView>> {
    return this.#get(`runs${query({ limit, after })}`, has("items"));
  }

  async runsCancel({ runId }: calls.RunsCancelCall): Promise<RunDetail> {
    const path = `runs/${idIn(runId, "runId")}`;
    return this.#ask({ method: "DELETE", path, kind: "read", isOurs: has("runId") });
  }

  /** What the call that made a run was answered with, once it was, or would be by now. */
  async runsAnswer({ runId }: calls.RunsAnswerCall): Promise<RunAnswer> {
    return this.#get(`runs/${idIn(runId, "runId")}/answer`, has("run"));
  }

  /** Notes that for as long as the run is kept. */
  async keepAnswer({ runId, answer }: calls.KeepAnswerCall): Promise<void> {
    const path = `runs/${idIn(runId, "runId")}/answer`;
    await this.#ask({ method: "PUT", path, body: { answer }, kind: "read", isOurs: has("runId") });
  }

  /** Goes on over broken connections; ends quietly when the signal is aborted. */
  runsEvents(
    { runId, after }: calls.RunsEventsCall,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<RunEvent> {
    return followRun(this.#api, { runId, after, signal });
  }

  /** What changes of the fleet, of runs and of sessions, until the signal is aborted. */
  changes({ signal }: { signal: AbortSignal }): AsyncGenerator<EngineChange> {
    return followChanges(this.#api, signal);
  }

  /** Ends every connection at once: runs go on at the server. */
  close(): Promise<void> {
    return this.#api.close();
  }

  #work<T extends { runId: string }>(
    path: WorkCall["path"],
    call: calls.WaitOptions & calls.RepetitionOptions,
    options: CallOptions | undefined,
    facts: Pick<WorkCall, "token" | "early"> = {},
  ): Promise<T> {
    const body = { ...call, idempotencyKey: call.idempotencyKey ?? randomUUID() };
    return new Work<T>(this.#api, { path, body, ...facts }, this.#longestWaitMs).answer(options);
  }

  async #dryRun(path: string, body: object, { signal }: CallOptions = {}): Promise<answers.DryRunAnswer> {
    return this.#ask({ method: "POST", path, body, kind: "read", signal, isOurs: has("dryRun") });
  }

  async #waitFor<T>(
    path: string,
    waiting: Waiting,
    page: Pick<calls.RunsGetCall, "instance" | "step" | "value" | "offset">,
  ): Promise<T> {
    const { body } = await this.#api.call<T>(() => {
      const waitMs = waiting.nextMs;
      const asked = path + query({ wait: `${waitMs}ms`, ...page });
      return { method: "GET", path: asked, kind: "read", waitMs, isOurs: has("runId") };
    });
    return body;
  }

  #get<T>(path: string, isOurs: ApiCall["isOurs"], facts: Pick<ApiCall, "token"> = {}): Promise<T> {
    return this.#ask({ method: "GET", path, kind: "read", isOurs, ...facts });
  }

  async #ask<T>(call: ApiCall): Promise<T> {
    return (await this.#api.call<T>(() => call)).body;
  }
}

/** What may end a fan-out's waiting early; `undefined` where nothing may. */
function enoughOf({ minReplies, stall, cancelRest }: calls.FanoutCall): Enough | undefined {
  if (minReplies === undefined && stall === undefined && !cancelRest) return undefined;
  return { minReplies, stallMs: durationMs(stall) };
}

function namesOf(selector: Selector | undefined): string | undefined {
  return selector === undefined ? undefined : [selector].flat().join(",");
}

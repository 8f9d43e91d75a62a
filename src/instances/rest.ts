import type {
  Answer,
  AskOptions,
  Call,
  CancelAnswer,
  Capabilities,
  InstanceClient,
  OpenSession,
  Probe,
  TaskRef,
} from "../core/ports.ts";
import type { Channel, Reading } from "./channel.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { probe } from "./probe.ts";
import { readHealth } from "./rest-probe.ts";
import { readAnswer, readAsked, readCancelled, readClosed, readOpened } from "./rest-readings.ts";

const JSON_BODY = ["content-type", "application/json", "accept", "application/json"];
const NO_BODY = ["accept", "application/json"];

/** Speaks the Instance API, protocol `rest`: our instance host's, or anyone's who implements it. */
export class RestClient implements InstanceClient {
  readonly capabilities: Capabilities = {
    idempotency: true,
    cancel: true,
    async: true,
    sessions: true,
    history: true,
    streaming: false,
  };
  readonly #channel: Channel;
  readonly #graceMs: number;

  /** @param graceMs how long, past the wait that it was granted, an instance may take to answer. */
  constructor(channel: Channel, graceMs: number) {
    this.#channel = channel;
    this.#graceMs = graceMs;
  }

  send(call: Call): Promise<Answer> {
    return this.#post("/api/tasks", { payload: call.payload }, call);
  }

  message(remoteId: string, epoch: number, seq: number, call: Call): Promise<Answer> {
    return this.#post(`${sessionPath(remoteId)}/messages`, { data: call.payload, seq, epoch }, call);
  }

  ask(task: TaskRef, { waitMs, cancellation }: AskOptions): Promise<Answer | "unseen"> {
    const path = task.taskId === undefined ? `${taskPath(task)}&` : `${taskPath(task)}?`;
    return this.#request(
      {
        method: "GET",
        path: `${path}wait=${wholeSeconds(waitMs)}`,
        headers: NO_BODY,
        headersTimeoutMs: waitMs + this.#graceMs,
        cancellation,
      },
      readAsked,
    );
  }

  cancel(task: TaskRef): Promise<CancelAnswer> {
    return this.#request(
      { method: "DELETE", path: taskPath(task), headers: NO_BODY, headersTimeoutMs: this.#graceMs },
      readCancelled,
    );
  }

  check(timeoutMs: number): Promise<Probe> {
    return probe(this.#channel, "/api/health/check", timeoutMs, readHealth);
  }

  async openSession({
    sessionId,
    epoch,
    history = [],
    cancellation,
  }: OpenSession): Promise<{ remoteId: string }> {
    const opened = await this.#request(
      {
        method: "POST",
        path: "/api/sessions",
        headers: JSON_BODY,
        body: JSON.stringify({ sessionId, epoch, ...(history.length > 0 && { history }) }),
        headersTimeoutMs: this.#graceMs,
        cancellation,
      },
      readOpened,
    );
    if (typeof opened !== "string") throw opened;
    return { remoteId: opened };
  }

  async closeSession(remoteId: string): Promise<void> {
    const error = await this.#request(
      { method: "DELETE", path: sessionPath(remoteId), headers: NO_BODY, headersTimeoutMs: this.#graceMs },
      readClosed,
    );
    if (error) throw error;
  }

  #post(path: string, body: object, { key, hops, waitMs, cancellation }: Call): Promise<Answer> {
    const wait = `wait=${wholeSeconds(waitMs)}`;
    return this.#request(
      {
        method: "POST",
        path,
        headers: [...JSON_BODY, "idempotency-key", key, "prefer", wait, "orchestrator-hops", String(hops)],
        body: JSON.stringify(body),
        headersTimeoutMs: waitMs + this.#graceMs,
        cancellation,
      },
      readAnswer,
    );
  }

  #request<T>(
    request: ExchangeRequest,
    read: (exchange: Exchange, instance: string, now: number) => Reading<T>,
  ): Promise<T> {
    const { name, clock } = this.#channel;
    return this.#channel.request(request, (exchange) => read(exchange, name, clock.now()));
  }
}

function sessionPath(remoteId: string): string {
  return `/api/sessions/${encodeURIComponent(remoteId)}`;
}

/** By the instance's own id where it gave one, else by our key. */
function taskPath({ key, taskId }: TaskRef): string {
  return taskId === undefined
    ? `/api/tasks?key=${encodeURIComponent(key)}`
    : `/api/tasks/${encodeURIComponent(taskId)}`;
}

function wholeSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

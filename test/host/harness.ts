import { Agent, request } from "undici";
import { afterEach } from "vitest";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Store } from "../../src/core/ports.ts";
import { createHost, type Host, type HostOptions } from "../../src/host/host.ts";
import type { Worker, WorkerReply, WorkerTask } from "../../src/host/worker.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { recordingLogger } from "../support/logger.ts";
import { systemClock } from "./harness-clock.ts";

let lastId = 0;
export const countingIds = { random: () => `id-${++lastId}` };

/** One task that a {@link handWorker} was given, for the test to end. */
export interface HandTask extends WorkerTask {
  finish(result: Json, state?: Json): void;
  fail(error: Error): void;
}

/** A worker whose tasks end when the test says so, or, if it stops when told, when they are cancelled. */
export function handWorker({ stops = true } = {}): Worker & { tasks: HandTask[]; payloads(): Json[] } {
  const tasks: HandTask[] = [];
  return {
    tasks,
    payloads: () => tasks.map((task) => task.payload),
    description: { does: "Waits for the test.", payload: "anything", example: { n: 1 } },
    run: (task) =>
      new Promise<WorkerReply>((resolve, reject) => {
        if (stops) task.cancellation.onCancel(reject);
        const finish = (result: Json, state?: Json) =>
          resolve({ result, ...(state !== undefined && { state }) });
        tasks.push({ ...task, finish, fail: reject });
      }),
    facts: () => ({ seen: tasks.length }),
    close: async () => {},
  };
}

/** A worker that answers at once with what it was given. */
export function echoWorker(): Worker & { runs: Json[] } {
  const runs: Json[] = [];
  return {
    runs,
    description: { does: "Answers with its payload.", payload: "anything", example: "hello" },
    run: async ({ payload }) => {
      runs.push(payload);
      return { result: payload };
    },
    close: async () => {},
  };
}

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: JsonObject & { taskId: string; reply: string; error: JsonObject };
}

export interface TestHost extends Host {
  store: Store;
  logger: ReturnType<typeof recordingLogger>;
  call(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: Json,
    headers?: Record<string, string>,
  ): Promise<Answered>;
  /** Posts a task with a key, holding on as long as is told, in seconds. */
  post(payload: Json, options?: { key?: string; wait?: number; hops?: string }): Promise<Answered>;
  /** Opens a session and returns its id. */
  open(body?: JsonObject): Promise<string>;
  message(id: string, body: JsonObject, options?: { key?: string; wait?: number }): Promise<Answered>;
}

/** A store whose reads and writes take a few turns of the event loop, a different number each time. */
export function unevenStore(store: Store): Store {
  let calls = 0;
  const uneven = async <T>(call: () => Promise<T>) => {
    const turn = ++calls;
    for (let tick = 0; tick < (turn * 7) % 4; tick++) await new Promise((resolve) => setImmediate(resolve));
    const result = await call();
    for (let tick = 0; tick < (turn * 5) % 9; tick++) await new Promise((resolve) => setImmediate(resolve));
    return result;
  };
  return {
    ...store,
    get: (key) => uneven(() => store.get(key)),
    put: (key, value, options) => uneven(() => store.put(key, value, options)),
  };
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs when the test has ended, the last one first. */
export function onEnd(cleanUp: () => Promise<unknown>): void {
  cleanUps.push(cleanUp);
}

/** A host named A on a port of the kernel's choice, closed when the test ends. */
export async function startHost(
  options: Partial<HostOptions> & Pick<HostOptions, "worker">,
): Promise<TestHost> {
  const logger = recordingLogger();
  const store = options.store ?? createMemoryStore({ clock: systemClock });
  const host = await createHost({
    name: "A",
    clock: systemClock,
    ids: countingIds,
    keys: () => [],
    host: "127.0.0.1",
    port: 0,
    ...options,
    logger,
    store,
  });
  onEnd(() => host.close());
  const call = caller(host.origin);
  const idempotent = ({ key, wait, hops }: { key?: string; wait?: number; hops?: string } = {}) => ({
    ...(key !== undefined && { "idempotency-key": key }),
    ...(wait !== undefined && { prefer: `wait=${wait}` }),
    ...(hops !== undefined && { "orchestrator-hops": hops }),
  });
  return {
    ...host,
    store,
    logger,
    call,
    post: (payload, how) => call("POST", "/api/tasks", { payload }, idempotent(how)),
    open: async (body = {}) =>
      String((await call("POST", "/api/sessions", { sessionId: "s", epoch: 1, ...body })).body.id),
    message: (id, body, how) => call("POST", `/api/sessions/${id}/messages`, body, idempotent(how)),
  };
}

/** Calls a server over sockets of its own. */
export function caller(origin: string): TestHost["call"] {
  const agent = new Agent();
  onEnd(() => agent.destroy());
  return async (method, path, body, headers = {}) => {
    const response = await request(origin + path, {
      method,
      dispatcher: agent,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: (await response.body.json()) as Answered["body"],
    };
  };
}

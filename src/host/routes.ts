import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Json } from "../core/json.ts";
import type { Clock, Ids } from "../core/ports.ts";
import { hopsOf } from "../server/hops.ts";
import { answer, noSessions, refusing, unseen, within } from "./answers.ts";
import type { Journal } from "./journal.ts";
import {
  idempotencyKey,
  messageBody,
  parseBody,
  preferredWait,
  queriedKey,
  queriedWait,
  sessionBody,
  taskBody,
} from "./requests.ts";
import type { SessionRecords } from "./session-records.ts";
import type { Sessions } from "./sessions.ts";
import { taskIdOf } from "./task-record.ts";
import type { Tasks, Work } from "./tasks.ts";
import { resultOf, type WorkerTask } from "./worker.ts";
import type { WorkerSlots } from "./worker-slots.ts";

/** Health answers without a key, but then says only whether the instance is well. */
export const HEALTH_PATH = "/api/health/check";

/** How long a cancellation waits for the worker to stop, so that it can tell how the task ended. */
const CANCEL_WAIT_MS = 2_000;

export interface RoutesFacts {
  name: string;
  clock: Clock;
  ids: Pick<Ids, "random">;
  journal: Journal;
  tasks: Tasks;
  slots: WorkerSlots;
  sessions: Sessions;
  records: SessionRecords;
  /** The worker's own figures. */
  workerFacts(): Record<string, Json> | undefined;
}

/** Adds the Instance API. */
export function addRoutes(server: FastifyInstance, facts: RoutesFacts): void {
  addTaskRoutes(server, facts);
  addSessionRoutes(server, facts);
  addHealthRoute(server, facts);
}

/** Who may send may also ask about what was sent, and cancel it. */
const SEND = { config: { scope: "send" } } as const;

type WithId = FastifyRequest<{ Params: { id: string } }>;

function addTaskRoutes(server: FastifyInstance, facts: RoutesFacts): void {
  const { tasks, slots, journal } = facts;

  server.post("/api/tasks", SEND, (request, reply) =>
    submit(facts, request, reply, (task) => {
      const { payload } = parseBody(taskBody, request);
      const run: Work["run"] = async (cancellation) =>
        resultOf(await slots.run({ ...task, payload, cancellation }));
      return async () => ({ run, withdraw: () => {} });
    }),
  );

  async function get(taskId: string, request: FastifyRequest, reply: FastifyReply) {
    const waitMs = queriedWait(request);
    const ticket = await tasks.find(taskId);
    if (!ticket) throw unseen(facts.name, taskId);
    const record = await within(facts.clock, ticket, waitMs);
    const never = { existed: false, storeId: journal.storeId };
    return answer(reply, record, record.state === "tombstone" ? never : {});
  }
  server.get("/api/tasks", SEND, (request, reply) => get(taskIdOf(queriedKey(request)), request, reply));
  server.get("/api/tasks/:id", SEND, (request: WithId, reply) => get(request.params.id, request, reply));

  async function cancel(
    taskId: string,
    key: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const waitMs = Math.max(queriedWait(request), CANCEL_WAIT_MS);
    const ticket = await tasks.cancel(taskId, key);
    if (!ticket) throw unseen(facts.name, taskId);
    const record = await within(facts.clock, ticket, waitMs);
    return answer(reply, record, { existed: record.state !== "tombstone", storeId: journal.storeId });
  }
  server.delete("/api/tasks", SEND, (request, reply) => {
    const key = queriedKey(request);
    return cancel(taskIdOf(key), key, request, reply);
  });
  server.delete("/api/tasks/:id", SEND, (request: WithId, reply) =>
    cancel(request.params.id, undefined, request, reply),
  );
}

function addSessionRoutes(server: FastifyInstance, facts: RoutesFacts): void {
  const { tasks, sessions, records, slots } = facts;

  server.post("/api/sessions", SEND, (request, reply) =>
    refusing(facts.name, reply, async () => {
      if (!slots.keepsSessions) throw noSessions(facts.name);
      const session = parseBody(sessionBody, request);
      if (tasks.draining) throw tasks.refusal();
      const { id, epoch } = await records.open(session);
      return reply.status(201).send({ id, epoch });
    }),
  );

  server.post("/api/sessions/:id/messages", SEND, (request: WithId, reply) =>
    submit(facts, request, reply, (task) => {
      const message = parseBody(messageBody, request);
      return () => sessions.admit({ ...message, ...task, id: request.params.id });
    }),
  );

  server.delete("/api/sessions/:id", SEND, async (request: WithId) => {
    await sessions.close(request.params.id);
    return { id: request.params.id, closed: true };
  });
}

function addHealthRoute(server: FastifyInstance, facts: RoutesFacts): void {
  const { name, tasks, slots, journal, workerFacts } = facts;

  server.get(HEALTH_PATH, { config: { open: true } }, async ({ caller }, reply) => {
    const status = await state();
    const code = status === "healthy" ? 200 : 503;
    reply.status(code);
    if (!caller) return { status, code };
    const inFlight = slots.inFlight;
    const own = workerFacts();
    return {
      status,
      code,
      instance: name,
      inFlight,
      queued: Math.max(0, tasks.unfinished - inFlight),
      storeId: journal.storeId,
      capabilities: { idempotency: true, cancel: true, sessions: slots.keepsSessions },
      ...(own && { facts: own }),
    };
  });

  async function state() {
    if (tasks.draining) return "draining";
    return journal.check().then(
      () => "healthy",
      () => "down",
    );
  }
}

/** What tasks and messages share: the key, the wait, and that a refusal means nothing was recorded. */
function submit(
  facts: RoutesFacts,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (task: Pick<WorkerTask, "key" | "hops">) => () => Promise<Work>,
) {
  return refusing(facts.name, reply, async () => {
    const hops = hopsOf(request);
    const key = idempotencyKey(request) ?? facts.ids.random();
    const ticket = await facts.tasks.submit(key, read({ key, hops }));
    return answer(reply, await within(facts.clock, ticket, preferredWait(request)));
  });
}

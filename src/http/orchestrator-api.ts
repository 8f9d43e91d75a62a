import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { demandScope } from "../server/guards.ts";
import { hopsOf } from "../server/hops.ts";
import { callerOf } from "./caller.ts";
import { addChanges } from "./changes.ts";
import { addEvents } from "./events.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { readInput } from "./read-input.ts";

/** Each path answers under both. */
export const BASES = ["/api/orchestrator", "/orchestrator"] as const;

/** A request may stay open so long: proxies and clients give up on longer ones. */
export const LONGEST_WAIT_MS = 60_000;

export interface OrchestratorApiOptions {
  engine: Engine;
  /** Set once the server is about to end: new work is refused then. */
  draining: () => boolean;
}

/** The Orchestrator API. */
export function orchestratorApi(server: FastifyInstance, options: OrchestratorApiOptions): void {
  for (const operation of OPERATIONS) addOperation(server, operation, options);
  for (const base of BASES) addEvents(server, `${base}/runs/:id/events`, options.engine);
  const changes = BASES.map((base) => `${base}/changes`);
  addChanges(server, changes, options.engine);
}

function addOperation(
  server: FastifyInstance,
  operation: Operation,
  { engine, draining }: OrchestratorApiOptions,
): void {
  const { method, path, aliases = [], scope, sessionToken } = operation;
  for (const base of BASES) {
    for (const each of [path, ...aliases]) {
      server.route({
        method,
        url: `${base}/${each}`,
        config: { scope, ...(sessionToken && { sessionToken }) },
        handler: async (request, reply) => {
          if (method === "POST" && draining()) {
            reply.header("retry-after", "1");
            throw leaving();
          }
          return respond(operation, engine, request, reply);
        },
      });
    }
  }
}

async function respond(
  operation: Operation,
  engine: Engine,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const read = readInput(operation, request);
  const also = operation.alsoNeeds?.(read);
  if (also && request.caller) demandScope(request.caller, also);
  const input = bounded(withToken(read as object, request));
  const answered = await operation.call(engine, input, contextOf(request, reply));
  const { status, body, runId, instance } = answered;
  if (runId !== undefined) {
    reply.header("orchestrator-run-id", runId);
    if (status === 202) reply.header("location", `${BASES[0]}/runs/${runId}`);
    request.facts.runId = runId;
  }
  if (instance !== undefined) request.facts.instance = instance;
  reply.status(status);
  return body;
}

/** A session's token that came in place of a key opens that session alone. */
function withToken(input: object, { caller }: FastifyRequest): object {
  return caller?.sessionToken === undefined ? input : { ...input, token: caller.sessionToken };
}

export function bounded<T extends object>(input: T): T {
  const { wait } = input as { wait?: number | undefined };
  return wait === undefined ? input : { ...input, wait: Math.min(wait, LONGEST_WAIT_MS) };
}

/** A caller that leaves does not cancel the work: the identical call is answered with its run. */
function contextOf(request: FastifyRequest, reply: FastifyReply): CallContext {
  const gone = new Cancellation();
  const { socket } = request.raw;
  let isOut = false;
  // An answer whose connection broke counts as finished as well (`writableFinished`), however much was left.
  reply.raw.once("finish", () => {
    isOut = !socket.destroyed;
  });
  reply.raw.once("close", () => {
    if (!isOut) gone.cancel();
  });
  return {
    ...callerOf(request),
    ...{ hops: hopsOf(request), gone, longestWaitMs: LONGEST_WAIT_MS },
    // The MCP server that calls for a model says so.
    ...(request.headers["orchestrator-confirms"] === "all" && { confirmsAll: true }),
  };
}

export function leaving(): OrchestratorError {
  return new OrchestratorError("draining", "This server is shutting down.", {
    action: "Call again in a moment, or call another server.",
    delivery: "not_sent",
  });
}

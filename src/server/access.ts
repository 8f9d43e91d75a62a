import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Logger } from "../core/ports.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What its line in the log says besides: the run, the instance, of MCP the method and its tool. */
    facts: { runId?: string; instance?: string; mcp?: string };
  }
}

/** A request's id, which its answer and its line in the log carry: the caller's own, if it is a plain one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{1,64}$/.test(given)
    ? given
    : randomBytes(9).toString("base64url");
}

/** Logs each request once it is answered, without query or body: these may hold secrets. */
export function logRequests(server: FastifyInstance, logger: Logger, level: "debug" | "info"): void {
  server.decorateRequest("facts", null as never);
  server.addHook("onRequest", async (request, reply) => {
    request.facts = {};
    reply.header("x-request-id", request.id);
  });
  server.addHook("onResponse", async (request, reply) => {
    logger[level](
      {
        requestId: request.id,
        method: request.method,
        path: pathOf(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...(request.caller?.name !== undefined && { key: request.caller.name }),
        ...request.facts,
      },
      "request",
    );
  });
}

export function pathOf(url: string): string {
  return url.split("?", 1)[0] as string;
}

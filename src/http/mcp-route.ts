import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isObject } from "../core/json.ts";
import type { Engine } from "../engine/engine.ts";
import type { Caller } from "../server/guards.ts";
import { limitCalls } from "../server/limits.ts";
import { engineFor } from "./caller-engine.ts";

export const MCP_PATH = "/mcp";

/** MCP over HTTP, in the web's own terms. */
export interface McpEndpoint {
  fetch(request: Request, exchange: McpExchange): Promise<Response>;
  /** Answers what is in flight, then ends every session and stream. */
  close(): Promise<void>;
}

/** One request that has passed the guards. */
export interface McpExchange {
  /** Its body, parsed; the request itself has none. */
  body: unknown;
  /** What sessions belong to: the same for the same key with the same scopes. */
  callerId: string;
  /** The engine as this caller may use it. */
  engine: Engine;
  /** Resolves when its answer is out, or its connection is gone. */
  ended: Promise<void>;
}

export interface McpRouteOptions {
  engine: Engine;
  mcp: McpEndpoint;
  /** Set once the server is about to end. */
  draining: () => boolean;
}

/** Answers MCP at `/mcp`, behind the guards and limits of every other route. */
export function addMcp(server: FastifyInstance, { engine, mcp, draining }: McpRouteOptions): void {
  server.route({
    method: ["GET", "POST", "DELETE"],
    url: MCP_PATH,
    // Who asks for the head alone would wait for that of a stream.
    exposeHeadRoute: false,
    config: { scope: "read" },
    handler: async (request, reply) => {
      const caller = request.caller as Caller;
      const { body } = request;
      request.facts.mcp = wordsFor(body);
      if (Array.isArray(body)) await limitCalls(request, reply, body.length - 1);
      const { name = null, scopes } = caller;
      const { asked, ended } = overTheWeb(request, reply);
      const answer = await mcp.fetch(asked, {
        ...{ body, ended },
        callerId: JSON.stringify([name, scopes]),
        engine: engineFor(engine, caller, draining),
      });
      // Whether the connection is kept is for the server to say, which may be asked to close it, or about to end.
      answer.headers.delete("connection");
      reply.send(answer);
      // A stream may be silent for long, and its client wants to know that it is open.
      if (reply.raw.getHeader("content-type") === "text/event-stream" && !reply.raw.destroyed)
        reply.raw.flushHeaders();
      return reply;
    },
  });
  server.addHook("preClose", () => mcp.close());
}

/** A request as the web has it, whose signal is aborted when its connection is gone before all of its answer is out. */
function overTheWeb(request: FastifyRequest, reply: FastifyReply): { asked: Request; ended: Promise<void> } {
  const { raw, headers, method, host, url } = request;
  const { socket } = raw;
  const gone = new AbortController();
  let isOut = false;
  // An answer whose connection broke counts as finished as well, however much was left.
  reply.raw.once("finish", () => {
    isOut = !socket.destroyed;
  });
  const ended = new Promise<void>((resolve) => {
    reply.raw.once("close", () => {
      if (!isOut) gone.abort();
      resolve();
    });
  });
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, [value].flat().join(", ")] as [string, string]],
  );
  const asked = new Request(`http://${host}${url}`, { method, headers: given, signal: gone.signal });
  return { asked, ended };
}

const LONGEST_WORDS = 100;

/** What a request's line in the log says of its body. */
function wordsFor(body: unknown): string {
  if (Array.isArray(body)) return `${body.length} messages`;
  if (!isObject(body)) return "stream";
  const { method, params } = body;
  const name = isObject(params) && method === "tools/call" ? params.name : undefined;
  return [method ?? "response", name]
    .filter((word) => typeof word === "string")
    .join(" ")
    .slice(0, LONGEST_WORDS);
}

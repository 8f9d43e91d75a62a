import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import { limitRequests, type RequestLimits } from "../server/limits.ts";
import { createServer, type ServerOptions } from "../server/server.ts";

/** Bytes of a request's body: as much as an instance takes of a task. */
const BODY_LIMIT = 8 * 1024 * 1024;

export type OpenServerOptions = Omit<ServerOptions, "bodyLimit" | "accessLog"> & RequestLimits;

/** A server with its guards, each key's limit and the pages that are let in, for routes to be added to. */
export async function openServer(options: OpenServerOptions): Promise<FastifyInstance> {
  const { allowedOrigins } = options;
  const server = createServer({ ...options, bodyLimit: BODY_LIMIT, accessLog: "info" });
  await limitRequests(server, options);
  if (!allowedOrigins) return server;
  await server.register(cors, {
    origin: (origin, done) => done(null, origin !== undefined && allowedOrigins().includes(origin)),
    methods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    exposedHeaders: ["Mcp-Session-Id", "Orchestrator-Run-Id", "Location", "Retry-After"],
  });
  return server;
}

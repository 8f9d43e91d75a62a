import type { FastifyInstance } from "fastify";
import fastify from "fastify";
import { writeJson } from "../core/json-text.ts";
import type { Logger } from "../core/ports.ts";
import { logRequests, requestIdOf } from "./access.ts";
import { answerError, answerUnknownPath } from "./answers.ts";
import { answerClientError, answerInEnvelope } from "./client-errors.ts";
import { type Guarded, type GuardOptions, guard } from "./guards.ts";
import { takeJsonBodies } from "./json-body.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** What the guards know of this server; {@link listen} completes it. */
    guarded: Guarded;
  }
}

export interface ServerOptions extends GuardOptions {
  logger: Logger;
  /** Bytes of a request's body; 1 MiB unless told otherwise. */
  bodyLimit?: number;
  /** Level of a request's line in the log; `debug` unless told otherwise. */
  accessLog?: "debug" | "info";
}

/** Connections at once: far more than callers have, and few enough to leave files for the work. */
const MOST_CONNECTIONS = 2_000;

/** A connection in the middle of a long poll is silent for up to a minute. */
const SILENT_CONNECTION_MS = 120_000;
/** How long {@link FastifyInstance.close} waits for requests that are being answered. */
const CLOSE_GRACE_MS = 2_000;

/**
 * A server with the guards that each of ours has: JSON bodies only, no foreign `Origin` or `Host`,
 * bearer keys, and every error in the one envelope. Add routes, then `listen` (`listen.ts`). A
 * handler throws an OrchestratorError to refuse.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { logger } = options;
  const server = fastify({
    logger: false,
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    connectionTimeout: SILENT_CONNECTION_MS,
    requestTimeout: 60_000,
    http: {
      headersTimeout: 15_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
      // The guard refuses it, in words.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: 256 },
    genReqId: requestIdOf,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, logger),
    clientErrorHandler: answerClientError,
  });
  server.server.maxConnections = MOST_CONNECTIONS;
  answerInEnvelope(server.server);
  takeJsonBodies(server);
  server.setReplySerializer(writeJson);
  server.decorate("guarded", { ...options, ownHosts: new Set<string>(), beyondLoopback: false });
  server.decorateRequest("caller", undefined);
  logRequests(server, logger, options.accessLog ?? "debug");
  server.addHook("onRequest", async (request) => guard(request, server.guarded));
  server.addHook("preClose", async () => {
    // Node stops looking for silent connections once it closes, and would wait for them for ever.
    setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS).unref();
  });
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger));
  server.setNotFoundHandler(answerUnknownPath);
  return server;
}

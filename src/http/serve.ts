import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { LeaseTable } from "../cluster/leases.ts";
import type { Json } from "../core/json.ts";
import type { AcceptedKey } from "../core/keys.ts";
import type { Clock, Logger } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import { limitRequests } from "../server/limits.ts";
import { listen } from "../server/listen.ts";
import { createServer } from "../server/server.ts";
import { clusterApi } from "./cluster-api.ts";
import { openApiDocument } from "./openapi.ts";
import { orchestratorApi } from "./orchestrator-api.ts";

/** Bytes of a request's body: as much as an instance takes of a task. */
const BODY_LIMIT = 8 * 1024 * 1024;

export interface ServeOptions {
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  version: string;
  engine: Engine;
  leases: LeaseTable;
  logger: Logger;
  clock: Clock;
  /** Accepted keys, read for each request. */
  keys: () => readonly AcceptedKey[];
  /** Requests a minute of a key without a limit of its own; 0 for any number. */
  requestsPerMinute: () => number;
  /** Hosts, without port, whose instances may register; any when absent. */
  allow?: readonly string[];
  /** Names or addresses, without port, that `Host` may also carry. */
  allowedHosts?: () => readonly string[];
  /** Origins whose pages may call; none unless told otherwise. */
  allowedOrigins?: () => readonly string[];
  /** The Instance API, where this fleet is an instance itself: it answers the health check then. */
  instance?: { addTo(server: FastifyInstance, facts: () => Record<string, Json>): void };
}

export interface Served {
  /** Such as `http://127.0.0.1:7411`. */
  origin: string;
  /** From now on new work is refused; what is asked about is answered. */
  drain(): void;
  close(): Promise<void>;
}

/**
 * Serves the Orchestrator API, the Cluster API, and the Instance API where this fleet is an instance.
 * @throws OrchestratorError as `listen` does.
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { engine, leases, logger, clock, version, instance, allowedOrigins } = options;
  let draining = false;
  const server = createServer({ ...options, bodyLimit: BODY_LIMIT, accessLog: "info" });
  await limitRequests(server, options);
  if (allowedOrigins)
    await server.register(cors, { origin: (origin, done) => done(null, isAllowed(origin)) });
  const isAllowed = (origin: string | undefined) =>
    origin !== undefined && (allowedOrigins?.().includes(origin) ?? false);

  const startedAt = new Date(clock.now()).toISOString();
  const facts = () => ({ role: "orchestrator", version, startedAt, members: memberCounts(leases, clock) });
  if (instance) instance.addTo(server, facts);
  else addHealth(server, () => draining, facts);
  orchestratorApi(server, { engine, draining: () => draining });
  clusterApi(server, options);
  const document = openApiDocument(version);
  server.get("/openapi.json", { config: { open: true } }, async () => document);
  const origin = await listen(server, options);
  logger.info({ origin }, "the orchestrator is listening");
  return {
    origin,
    drain() {
      draining = true;
    },
    close: () => server.close(),
  };
}

function addHealth(
  server: FastifyInstance,
  draining: () => boolean,
  facts: () => Record<string, Json>,
): void {
  server.get("/api/health/check", { config: { open: true } }, async ({ caller }, reply) => {
    const status = draining() ? { status: "draining", code: 503 } : { status: "healthy", code: 200 };
    reply.status(status.code);
    return caller ? { ...status, ...facts() } : status;
  });
}

function memberCounts(leases: LeaseTable, clock: Clock): Record<string, number> {
  const live = leases.list().filter(({ until }) => until > clock.now());
  const instances = live.filter(({ kind }) => kind === "instance").length;
  return { instances, skills: live.length - instances };
}

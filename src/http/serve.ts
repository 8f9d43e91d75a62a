import type { FastifyInstance } from "fastify";
import type { LeaseTable } from "../cluster/leases.ts";
import type { Json } from "../core/json.ts";
import type { AcceptedKey } from "../core/keys.ts";
import type { Clock, Logger } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import { listen } from "../server/listen.ts";
import { clusterApi } from "./cluster-api.ts";
import { addHealthCheck } from "./health-check.ts";
import { addMcp, type McpEndpoint } from "./mcp-route.ts";
import { openServer } from "./open-server.ts";
import { openApiDocument } from "./openapi.ts";
import { orchestratorApi } from "./orchestrator-api.ts";

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
  /** What answers at `/mcp`. */
  mcp?: McpEndpoint;
}

export interface Served {
  /** Such as `http://127.0.0.1:7411`. */
  origin: string;
  /** From now on new work is refused; what is asked about is answered. */
  drain(): void;
  close(): Promise<void>;
}

/**
 * Serves the Orchestrator API, MCP, the Cluster API, and the Instance API where this fleet is an instance.
 * @throws OrchestratorError as `listen` does.
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { engine, leases, logger, clock, version, instance, mcp } = options;
  let isDraining = false;
  const draining = () => isDraining;
  const server = await openServer(options);
  const startedAt = new Date(clock.now()).toISOString();
  const facts = () => ({ role: "orchestrator", version, startedAt, members: memberCounts(leases, clock) });
  if (instance) instance.addTo(server, facts);
  else addHealthCheck(server, draining, facts);
  orchestratorApi(server, { engine, draining });
  if (mcp) addMcp(server, { engine, mcp, draining });
  clusterApi(server, options);
  const document = openApiDocument(version);
  server.get("/openapi.json", { config: { open: true } }, async () => document);
  const origin = await listen(server, options);
  logger.info({ origin }, "the orchestrator is listening");
  return {
    origin,
    drain() {
      isDraining = true;
    },
    close: () => server.close(),
  };
}

function memberCounts(leases: LeaseTable, clock: Clock): Record<string, number> {
  const live = leases.list().filter(({ until }) => until > clock.now());
  const instances = live.filter(({ kind }) => kind === "instance").length;
  return { instances, skills: live.length - instances };
}

import { randomBytes } from "node:crypto";
import { createLeaseTable } from "../cluster/leases.ts";
import type { Clock, Logger } from "../core/ports.ts";
import { listen } from "../server/listen.ts";
import { createServer } from "../server/server.ts";
import { clusterApi } from "./cluster-api.ts";

export interface ServeOptions {
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  /** Accepted bearer keys, read for each request. */
  keys: () => readonly string[];
  logger: Logger;
  clock: Clock;
  /** Hosts, without port, whose instances may register; any when absent. */
  allow?: readonly string[];
  /** Names or addresses, without port, that `Host` may also carry. */
  allowedHosts?: () => readonly string[];
}

export interface Served {
  /** Such as `http://127.0.0.1:7411`. */
  origin: string;
  close(): Promise<void>;
}

const HEALTH = "/api/health/check";

/**
 * Serves the cluster API.
 * @throws OrchestratorError as `listen` does.
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { host, port, keys, logger, clock, allow, allowedHosts } = options;
  const ids = { random: () => randomBytes(16).toString("base64url") };
  const leases = createLeaseTable({ clock, ids });
  const server = createServer({ logger, keys, openPaths: [HEALTH], ...(allowedHosts && { allowedHosts }) });
  const startedAt = clock.now();
  server.get(HEALTH, async (request) => {
    const status = { status: "healthy", code: 200 };
    if (!request.authenticated) return status;
    const live = leases.list().filter(({ until }) => until > clock.now());
    const instances = live.filter(({ kind }) => kind === "instance").length;
    const skills = live.length - instances;
    return { ...status, role: "cluster", startedAt, members: { instances, skills } };
  });
  clusterApi(server, { leases, logger, ...(allow && { allow }) });
  const origin = await listen(server, { host, port });
  logger.info({ origin }, "the cluster is listening");
  return { origin, close: () => server.close() };
}

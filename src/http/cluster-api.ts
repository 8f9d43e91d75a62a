import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { LeaseTable } from "../cluster/leases.ts";
import { parseRegisterBody, type Registration } from "../cluster/registration.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { validate } from "../core/validate.ts";
import { plainAddress } from "../server/address.ts";

export interface ClusterApiOptions {
  leases: LeaseTable;
  logger: Logger;
  /** Hosts, without port, whose URLs may register; any that an instance may have when absent. */
  allow?: readonly string[];
}

const membersQuery = z.object({ kind: z.enum(["instance", "skill"]).optional() });

const REGISTER = { config: { scope: "register" } } as const;

interface LeaseRoute {
  Params: { id: string };
}

/** The Cluster API: register, renew, deregister, list. */
export function clusterApi(server: FastifyInstance, { leases, logger, allow }: ClusterApiOptions): void {
  server.post("/api/cluster/register", REGISTER, async (request) => {
    const { registration, leaseId } = parseRegisterBody(request.body);
    checkAllowed(registration, allow);
    const grant = leases.register(registration, leaseId);
    const { kind, name } = registration;
    logger.info({ kind, name, ...("url" in registration && { url: registration.url }) }, "member registered");
    return grant;
  });

  server.put<LeaseRoute>("/api/cluster/leases/:id", REGISTER, async (request) => {
    const grant = leases.renew(request.params.id);
    if (grant) return grant;
    throw new OrchestratorError(
      "unknown_instance",
      "No member holds this lease: it has run out or was never given.",
      {
        action: "Register again.",
        delivery: "not_sent",
      },
    );
  });

  server.delete<LeaseRoute>("/api/cluster/leases/:id", REGISTER, async (request) => {
    const member = leases.deregister(request.params.id);
    if (member) logger.info({ kind: member.kind, name: member.name }, "member deregistered");
    return { deregistered: member !== undefined };
  });

  server.get("/api/cluster/members", { config: { scope: "read" } }, async (request) => {
    const { kind } = validate(membersQuery, request.query);
    return { members: leases.list(kind) };
  });
}

function checkAllowed(registration: Registration, allow: readonly string[] | undefined): void {
  if (registration.kind !== "instance" || allow === undefined) return;
  const { hostname } = new URL(registration.origin);
  if (allow.some((host) => plainAddress(host) === plainAddress(hostname))) return;
  throw new OrchestratorError("forbidden", `Instances on ${hostname} may not register with this cluster.`, {
    action: "Add the host to cluster.allow in the configuration of the cluster.",
    instance: registration.name,
    delivery: "not_sent",
  });
}

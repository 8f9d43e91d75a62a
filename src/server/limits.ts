import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";

export interface RequestLimits {
  /** Requests a minute of one key, where it has no limit of its own; 0 for any number. */
  requestsPerMinute: () => number;
}

const most = ({ caller }: FastifyRequest, limits: RequestLimits): number =>
  caller?.requestsPerMinute ?? limits.requestsPerMinute();

/** Limits how often each key may call; where no key is needed, each address. Routes are added after this. */
export async function limitRequests(server: FastifyInstance, limits: RequestLimits): Promise<void> {
  await server.register(rateLimit, {
    timeWindow: 60_000,
    // Once it is known who calls.
    hook: "preHandler",
    max: (request) => most(request, limits),
    allowList: (request) => most(request, limits) === 0,
    // A session's token is anybody's guess until the call has looked it up.
    keyGenerator: ({ caller, ip }) => (caller?.name === undefined ? `address ${ip}` : `key ${caller.name}`),
    errorResponseBuilder: (_, { max, ttl }) => tooMany(max, Math.ceil(ttl / 1000)),
  });
}

/**
 * Counts so many calls more against the limit: of a request that holds several.
 *
 * @throws OrchestratorError `rate_limited`
 */
export async function limitCalls(request: FastifyRequest, reply: FastifyReply, calls: number): Promise<void> {
  const count = request.server.createRateLimit();
  for (let n = 0; n < calls; n++) {
    const counted = await count(request);
    if (counted.isAllowed) return;
    if (!counted.isExceeded) continue;
    reply.header("retry-after", counted.ttlInSeconds);
    throw tooMany(counted.max, counted.ttlInSeconds);
  }
}

function tooMany(most: number, seconds: number): OrchestratorError {
  return new OrchestratorError(
    "rate_limited",
    `This key has made ${most} calls within a minute, the most allowed.`,
    {
      action: `Wait ${seconds} s, as Retry-After says, then call again.`,
      delivery: "not_sent",
    },
  );
}

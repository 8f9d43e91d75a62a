import type { FastifyInstance } from "fastify";
import type { Json } from "../core/json.ts";

/** The health check of a server: whether it is well for everybody, the facts for those with a key. */
export function addHealthCheck(
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

import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";

/** A silent stream is kept open by a comment this often. */
const KEEP_ALIVE_MS = 15_000;

/** Begins a stream of server-sent events, which says at once what it tells of. */
export function openStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { of, headers }: { of: string; headers?: Record<string, string> },
): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // Proxies that gather an answer before they pass it on would hold events back.
    "x-accel-buffering": "no",
    "x-request-id": request.id,
    ...headers,
  });
  response.write(`: ${of}\n\n`);
  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(":\n\n");
  }, KEEP_ALIVE_MS).unref();
  response.once("close", () => clearInterval(keepAlive));
  return response;
}

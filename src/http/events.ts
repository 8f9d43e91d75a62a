import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Cancellation } from "../core/cancellation.ts";
import { writeJson } from "../core/json-text.ts";
import { runsEventsInput } from "../core/requests.ts";
import type { RunEvent } from "../core/run-answers.ts";
import { validate } from "../core/validate.ts";
import type { Engine } from "../engine/engine.ts";
import { callerOf } from "./caller.ts";

/** A silent stream is kept open by a comment this often. */
const KEEP_ALIVE_MS = 15_000;

/** Who asks for the head alone would wait for it until the run has ended. */
const ROUTE = { config: { scope: "read", sessionToken: true }, exposeHeadRoute: false } as const;

type EventsRequest = FastifyRequest<{ Params: { id: string }; Querystring: Record<string, string> }>;

/** Server-sent events of one run: its outcomes as they end, then its end. Resumable by `Last-Event-ID`. */
export function addEvents(server: FastifyInstance, path: string, engine: Engine): void {
  server.get(path, ROUTE, async (request: EventsRequest, reply) => {
    const last = request.headers["last-event-id"];
    const input = validate(runsEventsInput, {
      ...request.query,
      ...(last !== undefined && { after: String(last) }),
      runId: request.params.id,
    });
    request.facts.runId = input.runId;
    const stop = new Cancellation();
    reply.raw.once("close", () => stop.cancel());
    const events = engine.runsEvents(input, { ...callerOf(request), stop });
    // A run that is not there is an error like any other: it shows before the stream begins.
    await engine.runsGet({ runId: input.runId, offset: 0 }, callerOf(request));
    reply.hijack();
    await stream(reply.raw, events, { "x-request-id": request.id, "orchestrator-run-id": input.runId });
  });
}

async function stream(
  response: ServerResponse,
  events: AsyncIterable<RunEvent>,
  headers: Record<string, string>,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // Proxies that gather an answer before they pass it on would hold events back.
    "x-accel-buffering": "no",
    ...headers,
  });
  response.write(": the outcomes of a run, as they end\n\n");
  const keepAlive = setInterval(() => response.write(":\n\n"), KEEP_ALIVE_MS).unref();
  try {
    for await (const { id, event, data } of events) {
      const written = response.write(`id: ${id}\nevent: ${event}\ndata: ${writeJson(data)}\n\n`);
      if (!written && !response.destroyed)
        await Promise.race([once(response, "drain"), once(response, "close")]);
    }
  } catch {
    // The store cannot be read any more: the client comes again, and is told then.
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

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
import { openStream } from "./event-stream.ts";

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
    const headers = { "orchestrator-run-id": input.runId };
    await tell(openStream(request, reply, { of: "the outcomes of a run, as they end", headers }), events);
  });
}

async function tell(response: ServerResponse, events: AsyncIterable<RunEvent>): Promise<void> {
  try {
    for await (const { id, event, data } of events) {
      const written = response.write(`id: ${id}\nevent: ${event}\ndata: ${writeJson(data)}\n\n`);
      if (!written && !response.destroyed)
        await Promise.race([once(response, "drain"), once(response, "close")]);
    }
  } catch {
    // The store cannot be read any more: the client comes again, and is told then.
  } finally {
    response.end();
  }
}

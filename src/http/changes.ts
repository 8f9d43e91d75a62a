import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { writeJson } from "../core/json-text.ts";
import { changesInput } from "../core/requests.ts";
import { validate } from "../core/validate.ts";
import type { Engine } from "../engine/engine.ts";
import { callerOf } from "./caller.ts";
import { openStream } from "./event-stream.ts";

/** How far behind a reader may be: a slower one comes again, and knows that it has missed some. */
const MOST_BYTES_BEHIND = 4 * 1024 * 1024;

/** Who asks for the head alone would wait for ever. */
const ROUTE = { config: { scope: "read" }, exposeHeadRoute: false } as const;

/** Server-sent events of what changes from now on, as far as the caller may see it. */
export function addChanges(server: FastifyInstance, paths: readonly string[], engine: Engine): void {
  const open = new Set<ServerResponse>();
  server.addHook("preClose", async () => {
    for (const response of open) response.end();
  });
  for (const path of paths) {
    server.get(path, ROUTE, async (request, reply) => {
      validate(changesInput, request.query);
      const stop = engine.watch((change) => {
        if (response.writableLength > MOST_BYTES_BEHIND) response.destroy();
        else if (!response.writableEnded) response.write(`event: change\ndata: ${writeJson(change)}\n\n`);
      }, callerOf(request));
      const response = openStream(request, reply, { of: "what changes" });
      open.add(response);
      response.once("close", () => {
        stop();
        open.delete(response);
      });
    });
  }
}

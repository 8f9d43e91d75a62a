import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import type { Viewer } from "../../core/context.ts";
import { type ErrorCode, OrchestratorError } from "../../core/errors.ts";
import { nameSchema } from "../../core/instance.ts";
import { runsGetInput } from "../../core/requests.ts";
import { validate } from "../../core/validate.ts";
import type { Engine } from "../../engine/engine.ts";
import { beginningsOf } from "../beginnings.ts";
import { pageResponse } from "../pages.ts";
import { portable } from "../portable.ts";
import type { Room } from "../room.ts";
import { runResponse } from "../run-details.ts";
import { healthResponse } from "../tools/health.ts";
import { historyResponse } from "../tools/sessions-history.ts";
import { type Named, readUri, resultUri } from "../uris.ts";
import { MIME_TYPE } from "./templates.ts";

/** The newest messages of a session; earlier ones are read with the tool. */
const MOST_MESSAGES = 50;

const NOT_FOUND = new Set<ErrorCode>([
  "run_not_found",
  "session_not_found",
  "unknown_instance",
  "bad_request",
]);

/**
 * A resource in the words in which the tools tell of it, so that here too what instances said is marked as
 * their words and cut to the room that there is.
 *
 * @throws ResourceNotFoundError for what is not there, whatever the URI.
 * @throws OrchestratorError
 */
export async function readResource(
  engine: Engine,
  uri: string,
  room: Room,
  viewer: Viewer,
): Promise<ReadResourceResult> {
  const named = readUri(uri);
  if (!named) throw new ResourceNotFoundError(uri, `There is no resource ${uri.slice(0, 200)}.`);
  try {
    const text = await textOf(engine, named, room, viewer);
    return portable({ contents: [{ uri, mimeType: MIME_TYPE, text }] });
  } catch (thrown) {
    const { code, message, action } = OrchestratorError.from(thrown);
    if (NOT_FOUND.has(code)) throw new ResourceNotFoundError(uri, `${message} → ${action}`);
    throw thrown;
  }
}

async function textOf(engine: Engine, named: Named, room: Room, viewer: Viewer): Promise<string> {
  switch (named.kind) {
    case "fleet":
      return (await healthResponse(engine, { detail: false })).text;
    case "session":
      return sessionText(engine, validate(nameSchema, named.sessionId, "sessionId"), room, viewer);
    case "run":
    case "result": {
      const { kind: _, ...input } = named;
      const found = await engine.runsGet(validate(runsGetInput, input), viewer);
      if ("text" in found)
        return pageResponse(found, room, (offset) => resultUri(found.runId, found.instance ?? "", offset))
          .text;
      return runResponse(found, room, await beginningsOf(engine, found, viewer)).text;
    }
  }
}

async function sessionText(engine: Engine, sessionId: string, room: Room, viewer: Viewer): Promise<string> {
  const { messages } = await engine.sessionsHistory({ sessionId, limit: 1, remote: false }, viewer);
  const after = Math.max(0, messages - MOST_MESSAGES);
  const newest = await engine.sessionsHistory(
    { sessionId, limit: MOST_MESSAGES, after, remote: false },
    viewer,
  );
  const { text } = historyResponse(newest, room);
  return after === 0 ? text : `${text}\nEarlier messages: sessions_history {"sessionId":"${sessionId}"}`;
}

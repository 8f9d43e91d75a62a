import type { Resource } from "@modelcontextprotocol/server";
import type { SessionView } from "../../core/answers.ts";
import type { Viewer } from "../../core/context.ts";
import type { RunView } from "../../core/run-answers.ts";
import type { Engine } from "../../engine/engine.ts";
import { runUri, sessionUri } from "../uris.ts";
import { FLEET, MIME_TYPE } from "./templates.ts";

/** What a person picks from; every other one is read by its id. */
const MOST_SESSIONS = 20;
const MOST_RUNS = 50;
/** How many are looked through: closed sessions and the runs of sessions and plans are not listed. */
const LOOK_THROUGH = 200;

/** The fleet, the open sessions and the newest runs. Nothing in it changes while they come further. */
export async function listResources(engine: Engine, viewer: Viewer): Promise<Resource[]> {
  const [sessions, runs] = await Promise.all([
    engine.sessionsList({ limit: LOOK_THROUGH }, viewer),
    engine.runsList({ limit: LOOK_THROUGH }, viewer),
  ]);
  return [
    FLEET,
    ...sessions.items
      .filter(({ state }) => state === "open")
      .slice(0, MOST_SESSIONS)
      .map(sessionResource),
    ...runs.items
      .filter(({ partOf, sessionId }) => partOf === undefined && sessionId === undefined)
      .slice(0, MOST_RUNS)
      .map(runResource),
  ];
}

function sessionResource({ sessionId, createdAt, createdBy }: SessionView): Resource {
  return {
    uri: sessionUri(sessionId),
    name: sessionId,
    title: `Session ${sessionId}`,
    description: `Opened ${createdAt} by ${createdBy}`,
    mimeType: MIME_TYPE,
  };
}

function runResource({ runId, operation, createdAt, createdBy }: RunView): Resource {
  return {
    uri: runUri(runId),
    name: runId,
    title: `Run ${runId}`,
    description: `${operation}, begun ${createdAt} by ${createdBy}`,
    mimeType: MIME_TYPE,
  };
}

import type { ResourceTemplateType } from "@modelcontextprotocol/server";
import { FLEET_URI } from "../uris.ts";

export const MIME_TYPE = "text/plain";

export const FLEET = {
  uri: FLEET_URI,
  name: "fleet",
  title: "The fleet",
  description: "Every instance with its state, protocol and tags, checked when this is read.",
  mimeType: MIME_TYPE,
};

export const RUN_TEMPLATE = "orchestrator://runs/{runId}";
export const RESULT_TEMPLATE = "orchestrator://runs/{runId}/{instance}";
export const SESSION_TEMPLATE = "orchestrator://sessions/{sessionId}";

export const TEMPLATES: readonly ResourceTemplateType[] = [
  {
    uriTemplate: RUN_TEMPLATE,
    name: "run",
    title: "A run",
    description: "How far a run is, and every instance's answer as far as there is room for it.",
    mimeType: MIME_TYPE,
  },
  {
    uriTemplate: RESULT_TEMPLATE,
    name: "result",
    title: "One instance's result in a run",
    description:
      "The whole result, in pages; a further page is read with ?offset= and the character it begins at.",
    mimeType: MIME_TYPE,
  },
  {
    uriTemplate: SESSION_TEMPLATE,
    name: "session",
    title: "A session",
    description: "Who owns a session, and its last 50 messages with their answers.",
    mimeType: MIME_TYPE,
  },
];

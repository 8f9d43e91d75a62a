import * as z from "zod";
import { sessionsListInput } from "../../core/requests.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { session } from "../outputs.ts";
import { listing, plural } from "../words.ts";

export const sessionsList = defineTool({
  name: "sessions_list",
  title: "List sessions",
  description: `Lists the stored sessions, open and closed, each with its owner.
USE WHEN you need a sessionId, or to know who owns one.
NOT FOR what was said in one (sessions_history).`,
  annotations: READS,
  input: sessionsListInput,
  output: z.looseObject({ items: z.array(z.looseObject(session)), next: z.string().optional() }),
  example: { limit: 20 },
  call: (engine, input) => engine.sessionsList(input),
  respond: (page, { after }) => ({
    text: listing(
      "sessions_list",
      "session",
      page,
      ({ sessionId, instance, state, messages, createdBy }) =>
        `${sessionId}: ${state} at ${instance}, ${plural(messages, "message")}, by ${createdBy}`,
      after,
    ),
    structured: page,
  }),
});

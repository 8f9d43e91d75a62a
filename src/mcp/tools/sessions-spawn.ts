import * as z from "zod";
import { sessionsSpawnInput } from "../../core/requests.ts";
import { defineTool } from "../define-tool.ts";
import { callOf } from "../words.ts";

export const sessionsSpawn = defineTool({
  name: "sessions_spawn",
  title: "Open a session",
  description: `Opens a conversation that one instance owns and remembers from message to message.
USE WHEN later messages build on earlier ones; then talk with sessions_send.
NOT FOR a single task (delegate).`,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: sessionsSpawnInput,
  output: z.looseObject({ sessionId: z.string(), instance: z.string() }),
  example: { sessionId: "session1", instance: "C" },
  call: (engine, input, context) => engine.sessionsSpawn(input, context),
  respond: (answer) => {
    const { sessionId, instance, token } = answer;
    const call = callOf("sessions_send", { sessionId, data: { message: "…" } });
    const secret = token === undefined ? "" : ` Its token, a secret: ${token}`;
    return {
      text: `Session ${sessionId} is open at ${instance}. Talk with ${call}.${secret}`,
      structured: answer,
    };
  },
});

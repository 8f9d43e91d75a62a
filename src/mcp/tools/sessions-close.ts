import * as z from "zod";
import { sessionsCloseInput } from "../../core/requests.ts";
import { ENDS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { session } from "../outputs.ts";
import { plural } from "../words.ts";

export const sessionsClose = defineTool({
  name: "sessions_close",
  title: "Close a session",
  description: `Closes a session: its owner forgets it, and its transcript stays readable.
USE WHEN the conversation is over, or its sessionId is needed for a new one.
NOT FOR stopping a message that is being answered (runs_cancel).`,
  annotations: ENDS,
  input: sessionsCloseInput,
  output: z.looseObject(session),
  example: { sessionId: "session1" },
  call: (engine, input) => engine.sessionsClose(input),
  respond: (answer) => {
    const { sessionId, instance, messages } = answer;
    const text = `Session ${sessionId} at ${instance} is closed after ${plural(messages, "message")}; sessions_history still reads it.`;
    return { text, structured: answer };
  },
});

import { z } from "zod";
import type { HistoryAnswer, MessageView } from "../../core/answers.ts";
import type { Json } from "../../core/json.ts";
import { sessionsHistoryInput } from "../../core/requests.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { type Excerpt, excerpts } from "../excerpt.ts";
import { delivery, reply, runId, session } from "../outputs.ts";
import { type Response, withTrimmedError } from "../respond.ts";
import { resultFields, resultText } from "../result.ts";
import { AS_DATA, callOf, errorLine, plural, quoteExcerpt } from "../words.ts";

export const sessionsHistory = defineTool({
  name: "sessions_history",
  title: "Read a session",
  description: `Returns a session's transcript: each message with its answer, also after it was closed.
USE WHEN you need what was said before, or must check whether a message was answered.
NOT FOR sending (sessions_send).`,
  annotations: READS,
  input: sessionsHistoryInput,
  output: z.looseObject({
    ...session,
    transcript: z.array(z.looseObject({ seq: z.int(), runId, instance: z.string(), delivery, reply })),
    next: z.int().optional(),
  }),
  example: { sessionId: "session1" },
  call: (engine, input) => engine.sessionsHistory(input),
  respond,
});

function respond(history: HistoryAnswer): Response {
  const { transcript, ...session } = history;
  const { sessionId, instance, state, messages, next } = session;
  // Message and answer take turns, and share the room that there is.
  const shown = excerpts(transcript.flatMap(({ data, result = null }): Json[] => [data, result]));
  const pairs = transcript.map((message, index) => ({
    message,
    data: shown[2 * index] as Excerpt,
    answer: shown[2 * index + 1] as Excerpt,
  }));
  const more =
    next === undefined ? [] : [`There is more: ${callOf("sessions_history", { sessionId, after: next })}`];
  return {
    text: [
      `Session ${sessionId} at ${instance} is ${state}, with ${plural(messages, "message")}, ${AS_DATA}`,
      ...pairs.flatMap(({ message, data, answer }) => [
        `${message.seq} sent: ${quoteExcerpt(data, () => "it is kept whole in the session")}`,
        `${message.seq} ${message.instance}: ${answerText(message, answer)}`,
      ]),
      ...more,
    ].join("\n"),
    structured: { ...session, transcript: pairs.map(view) },
  };
}

function answerText(message: MessageView, answer: Excerpt): string {
  const { reply, delivery, error } = message;
  if (reply === "done") return resultText(message, answer);
  return error ? errorLine(error) : `${reply} (delivery ${delivery})`;
}

function view({ message, data, answer }: { message: MessageView; data: Excerpt; answer: Excerpt }): object {
  const { data: sent, result, ...rest } = withTrimmedError(message);
  return {
    ...rest,
    ...(data.whole ? { data: sent } : { dataChars: data.chars }),
    ...(result !== undefined && resultFields(message, answer)),
  };
}

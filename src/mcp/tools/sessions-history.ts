import * as z from "zod";
import type { HistoryAnswer, MessageView, MoveView, RemoteView } from "../../core/answers.ts";
import type { Json } from "../../core/json.ts";
import { sessionsHistoryInput } from "../../core/requests.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { type Excerpt, excerpts } from "../excerpt.ts";
import { reply, session } from "../outputs.ts";
import { type Response, withTrimmedError } from "../respond.ts";
import { cutResults, resultFields, resultText } from "../result.ts";
import type { Room } from "../room.ts";
import { AS_DATA, callOf, errorLine, oneLine, plural, quoteExcerpt } from "../words.ts";

export const sessionsHistory = defineTool({
  name: "sessions_history",
  title: "Read a session",
  description: `Returns a session's transcript: each message with its answer and each move, also after it was closed.
USE WHEN you need what was said before, or must check whether a message was answered.
NOT FOR sending (sessions_send).`,
  annotations: READS,
  input: sessionsHistoryInput,
  output: z.looseObject({
    ...session,
    // A move has `kind` in place of these.
    transcript: z.array(z.looseObject({ seq: z.int().optional(), reply: reply.optional() })),
    next: z.int().optional(),
  }),
  results: "taken",
  example: { sessionId: "session1" },
  call: (engine, input) => engine.sessionsHistory(input),
  respond: (history, _, room) => historyResponse(history, room),
});

export function historyResponse(history: HistoryAnswer, room: Room): Response {
  const { transcript, remote, ...session } = history;
  const { sessionId, instance, state, messages, next } = session;
  // Message and answer take turns, and share the room that there is.
  const shown = excerpts(
    [
      ...transcript.filter(isMessage).flatMap(({ data, result = null }): Json[] => [data, result]),
      ...(remote?.messages.map(({ text }) => text) ?? []),
    ],
    room,
  );
  const entries = transcript.map((entry): Entry => {
    if (!isMessage(entry)) return entry;
    const [data, answer] = shown.splice(0, 2) as [Excerpt, Excerpt];
    return { message: entry, data, answer };
  });
  const more =
    next === undefined ? [] : [`There is more: ${callOf("sessions_history", { sessionId, after: next })}`];
  const kept = remote?.messages.map((message, at) => ({ message, shown: shown[at] as Excerpt }));
  return {
    text: [
      `Session ${sessionId} at ${instance} is ${state}, with ${plural(messages, "message")}, ${AS_DATA}`,
      ...entries.flatMap(entryLines),
      ...more,
      ...(kept ? keptLines(instance, kept, remote?.cut) : []),
    ].join("\n"),
    structured: {
      ...session,
      transcript: entries.map((entry) => ("kind" in entry ? entry : view(entry))),
      ...(kept && { remote: { ...remote, messages: kept.map(keptView) } }),
    },
    cut: entries.flatMap((entry) => ("kind" in entry ? [] : cutResults(entry.message, entry.answer))),
  };
}

interface ShownMessage {
  message: MessageView;
  data: Excerpt;
  answer: Excerpt;
}
type Entry = ShownMessage | MoveView;

function isMessage(entry: MessageView | MoveView): entry is MessageView {
  return !("kind" in entry);
}

function entryLines(entry: Entry): string[] {
  if ("kind" in entry) return [moveLine(entry)];
  const { message, data, answer } = entry;
  return [
    `${message.seq} sent: ${quoteExcerpt(data, () => "it is kept whole in the session")}`,
    `${message.seq} ${message.instance}: ${answerText(message, answer)}`,
  ];
}

interface Kept {
  message: RemoteView["messages"][number];
  shown: Excerpt;
}

function keptLines(instance: string, kept: readonly Kept[], cut = false): string[] {
  const count = plural(kept.length, "message");
  return [
    `${instance} itself keeps ${count}${cut ? " besides what it left out" : ""}, ${AS_DATA}`,
    ...kept.map(
      ({ message, shown }) =>
        `${oneLine(message.role, 20)}: ${quoteExcerpt(shown, () => `it is whole at ${instance}`)}`,
    ),
  ];
}

function keptView({ message, shown }: Kept): object {
  return { ...message, text: shown.text, ...(!shown.whole && { textChars: shown.chars }) };
}

function moveLine({ from, to, at, reason, history }: MoveView): string {
  const { given, unanswered, tooOld } = history;
  return `-- moved from ${from} to ${to} at ${at}: ${reason}; history: ${given} given, left out ${unanswered} unanswered and ${tooOld} too old`;
}

function answerText(message: MessageView, answer: Excerpt): string {
  const { reply, delivery, error } = message;
  if (reply === "done") return resultText(message, answer);
  return error ? errorLine(error) : `${reply} (delivery ${delivery})`;
}

function view({ message, data, answer }: ShownMessage): object {
  const { data: sent, result, ...rest } = withTrimmedError(message);
  return {
    ...rest,
    ...(data.whole ? { data: sent } : { dataChars: data.chars }),
    ...(result !== undefined && resultFields(message, answer)),
  };
}

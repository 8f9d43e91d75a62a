import * as z from "zod";
import type { SendAnswer } from "../../core/answers.ts";
import { sessionsSendInput } from "../../core/requests.ts";
import { WORKS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { awaitRest } from "../outcomes.ts";
import { delivery, reply, runId } from "../outputs.ts";
import { type Response, warningLines } from "../respond.ts";
import { showResult } from "../result.ts";
import type { Room } from "../room.ts";
import { AS_DATA } from "../words.ts";

export const sessionsSend = defineTool({
  name: "sessions_send",
  title: "Send to a session",
  description: `Sends one message to an open session and returns its owner's reply, in strict order with other sends.
USE WHEN a session exists (sessions_spawn, sessions_list) and the conversation goes on.
NOT FOR a task that needs no memory (delegate).`,
  annotations: WORKS,
  input: sessionsSendInput,
  output: z.looseObject({ runId, sessionId: z.string(), instance: z.string(), delivery, reply }),
  results: "taken",
  example: { sessionId: "session1", data: { message: "And only those from last week?" } },
  call: (engine, input, context) => engine.sessionsSend(input, context),
  respond,
  runs: { operation: "sessions_send", isPending: ({ reply }) => reply === "pending" },
});

function respond(answer: SendAnswer, _: unknown, room: Room): Response {
  const { result = null, ...rest } = answer;
  const { runId, sessionId, instance, seq } = rest;
  const message = seq === undefined ? "the message" : `message ${seq}`;
  if (rest.reply === "pending") {
    const text = `${instance} has not answered ${message} of ${sessionId} yet, run ${runId}. ${awaitRest(runId, rest.survivesExit)}`;
    return { text: [text, ...warningLines(rest)].join("\n"), structured: rest };
  }
  const shown = showResult({ runId, instance, result }, room);
  return {
    text: [
      `${instance} answered ${message} of ${sessionId}, run ${runId}, ${AS_DATA}`,
      shown.text,
      ...warningLines(rest),
    ].join("\n"),
    structured: { ...rest, ...shown.fields },
    cut: shown.cut,
  };
}

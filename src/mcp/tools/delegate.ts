import * as z from "zod";
import type { DelegateAnswer, DryRunAnswer } from "../../core/answers.ts";
import { delegateInput } from "../../core/requests.ts";
import { usageWords } from "../../core/usage.ts";
import { WORKS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { dryRunResponse, leftOut } from "../dry-run.ts";
import { awaitRest } from "../outcomes.ts";
import { delivery, outcomes, reply, runId } from "../outputs.ts";
import { type Response, warningLines, withTrimmedError } from "../respond.ts";
import { showResult } from "../result.ts";
import type { Room } from "../room.ts";
import { AS_DATA, errorLine, span } from "../words.ts";

export const delegate = defineTool({
  name: "delegate",
  title: "Delegate a task",
  description: `Hands one task to one instance and returns its answer; the first listed candidate that can does it, once.
USE WHEN one instance should do the work, with others to fall back on.
NOT FOR asking several at once (fanout) or a conversation that must be remembered (sessions_spawn).`,
  annotations: WORKS,
  input: delegateInput,
  output: z.looseObject({ runId, instance: z.string(), delivery, reply, attempts: outcomes }).partial(),
  results: "taken",
  example: { instances: ["C", "D"], payload: { message: "Summarise the open issues." } },
  call: (engine, input, context) => engine.delegate(input, context),
  respond,
  runs: { operation: "delegate", isPending: (answer) => "reply" in answer && answer.reply === "pending" },
});

function respond(answer: DelegateAnswer | DryRunAnswer, _: unknown, room: Room): Response {
  if ("dryRun" in answer) return dryRunResponse(answer);
  const { result, ...rest } = answer;
  const structured = { ...rest, attempts: rest.attempts.map(withTrimmedError) };
  if (rest.reply === "pending") {
    const where = rest.instance === undefined ? "" : ` at ${rest.instance}`;
    const text = `Run ${rest.runId} is still being worked on${where} (delivery ${rest.delivery}). ${awaitRest(rest.runId, rest.survivesExit)}`;
    return { text: [...detours(answer), text, ...warningLines(answer)].join("\n"), structured };
  }
  return answered(answer, structured, room);
}

function answered(answer: DelegateAnswer, structured: object, room: Room): Response {
  const { runId, instance = "", result = null } = answer;
  const shown = showResult({ runId, instance, result }, room);
  const elapsedMs = answer.attempts.findLast((attempt) => attempt.instance === instance)?.elapsedMs;
  const facts = [elapsedMs === undefined ? "" : span(elapsedMs), usageWords(answer.usage)].filter(Boolean);
  const took = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
  const others = detours(answer);
  return {
    text: [
      ...others,
      ...(others.length > 0 ? [`${instance} did it.`] : []),
      `${instance} answered${took}, run ${runId}, ${AS_DATA}`,
      shown.text,
      ...warningLines(answer),
    ].join("\n"),
    structured: { ...structured, ...shown.fields },
    cut: shown.cut,
  };
}

/** Who was left out or refused before the one that did the work, and why. */
function detours({ instance, attempts, explanation }: DelegateAnswer): string[] {
  const refused = attempts.filter((attempt) => attempt.instance !== instance);
  const last = new Map(refused.map((attempt) => [attempt.instance, attempt]));
  return [
    ...leftOut(explanation),
    ...[...last].map(
      ([name, { error }]) => `${name} did not take it (${error ? errorLine(error) : "no reply"}).`,
    ),
  ];
}

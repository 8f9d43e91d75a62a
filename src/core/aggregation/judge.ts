import { OrchestratorError } from "../errors.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { jsonWithin } from "./look-up.ts";
import type { Question } from "./question.ts";
import type { InstanceResult } from "./strategy.ts";
import { numberIn, quoted } from "./text.ts";

const LONGEST_QUOTE = 300;
const HOW =
  'Judge the numbered answers and pick the best one. Reply with JSON alone: {"choice": <its number>, "reason": "<why, in a sentence>"}.';

/** What a judge decided. */
export interface Verdict {
  /** The number of the answer that it picked, from 1 on in target order. */
  choice: number;
  reason?: string;
}

/**
 * What a judge is handed: `{"message","question"?,"answers":[{"number","answer"}]}`. The answers are as they
 * were given, text too, and stand without the names of those who gave them, since a judge favours names
 * that it knows (Zheng et al. 2023, "Judging LLM-as-a-judge").
 */
export function judgePayload(
  instruction: string | undefined,
  answers: readonly InstanceResult[],
  { question, questions }: Question = {},
): JsonObject {
  return {
    message: instruction === undefined ? HOW : `${HOW} ${instruction}`,
    ...(question !== undefined && { question }),
    answers: answers.map(({ instance, result }, index) => ({
      number: index + 1,
      ...(questions?.[instance] !== undefined && { question: questions[instance] ?? null }),
      answer: result,
    })),
  };
}

/**
 * Reads a judge's reply: `{"choice","reason"}`, also within text.
 *
 * @throws OrchestratorError `aggregate_failed`, with what it said, where that names none of the answers.
 */
export function readVerdict(reply: Json, answers: number): Verdict {
  const json = isObject(reply) && Object.hasOwn(reply, "choice") ? reply : jsonWithin(reply);
  const choice = isObject(json) && Object.hasOwn(json, "choice") ? numberIn(json.choice) : undefined;
  if (choice === undefined || !Number.isInteger(choice) || choice < 1 || choice > answers) {
    throw new OrchestratorError(
      "aggregate_failed",
      `The judge named none of the ${answers} answers. It said: ${quoted(reply, LONGEST_QUOTE)}`,
      { action: "Ask another judge, or read its run; a judge replies with JSON that has a choice." },
    );
  }
  const reason = isObject(json) && Object.hasOwn(json, "reason") ? json.reason : undefined;
  return { choice, ...(typeof reason === "string" && { reason }) };
}

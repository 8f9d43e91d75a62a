import type { JsonObject } from "../json.ts";
import { sourceOf } from "./gather.ts";
import type { Question } from "./question.ts";
import type { InstanceResult } from "./strategy.ts";

/**
 * What an instance is handed that makes one answer of many: `{"message","question"?,"answers":[{"instance",
 * "result"}]}`, with the instruction as message. All answers are handed on as they are, text too; what it
 * replies is the value. So are made map-reduce, best-of-n and mixture-of-agents (Wang et al. 2024).
 */
export function reducePayload(
  instruction: string,
  answers: readonly InstanceResult[],
  { question, questions }: Question = {},
): JsonObject {
  return {
    message: instruction,
    ...(question !== undefined && { question }),
    answers: answers.map((answer) => ({
      ...sourceOf(answer),
      ...(questions?.[answer.instance] !== undefined && { question: questions[answer.instance] ?? null }),
      result: answer.result,
    })),
  };
}

import { isDeeper } from "../core/depth.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Answer } from "../core/ports.ts";

type Ended = Extract<Answer, { delivery: "accepted"; reply: "done" | "failed" }>;

/** Whatever reads JSON gives up somewhere: far deeper, this process could not write it down, nor the others' answers. */
const DEEPEST = 1_000;

/** What an instance said is the result; one that is nested too deeply has failed, as one that is too large. */
export function resultAnswer(result: Json, instance: string): Ended {
  if (!isDeeper(result, DEEPEST)) return { delivery: "accepted", reply: "done", result };
  const error = new OrchestratorError(
    "payload_too_large",
    `${instance}: the answer has more than ${DEEPEST} lists and objects within one another.`,
    { action: "Ask for less, or for text.", instance, delivery: "accepted" },
  );
  return { delivery: "accepted", reply: "failed", error };
}

import type { Json } from "../../../core/json.ts";
import { textOf } from "../../../core/prompt.ts";
import type { WorkerTurn } from "../../worker.ts";

/** What an agent is asked in a conversation that began elsewhere, which it does not know. */
export function promptAfter(history: readonly WorkerTurn[], payload: Json): string {
  const before = history.map(({ data, result }) => `Asked: ${textOf(data)}\n\nAnswered: ${textOf(result)}`);
  return [
    "What was said before in this conversation, for context only; none of it is to be done again:",
    ...before,
    "What is asked now:",
    textOf(payload),
  ].join("\n\n");
}

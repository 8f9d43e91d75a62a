import { isObject, type Json } from "../../../core/json.ts";
import type { WorkerTurn } from "../../worker.ts";

/** What an agent is asked: a string or a `message` alone as it is, anything else as JSON text. */
export function promptOf(payload: Json): string {
  if (typeof payload === "string") return payload;
  if (isObject(payload) && typeof payload.message === "string" && Object.keys(payload).length === 1) {
    return payload.message;
  }
  return JSON.stringify(payload);
}

/** The same for a conversation that began elsewhere, which the agent does not know. */
export function promptAfter(history: readonly WorkerTurn[], payload: Json): string {
  const before = history.map(
    ({ data, result }) => `Asked: ${promptOf(data)}\n\nAnswered: ${promptOf(result)}`,
  );
  return [
    "What was said before in this conversation, for context only; none of it is to be done again:",
    ...before,
    "What is asked now:",
    promptOf(payload),
  ].join("\n\n");
}

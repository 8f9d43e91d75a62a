import { OrchestratorError } from "../core/errors.ts";
import { type Instance, type InstanceSettings, PROMPT_PLACE } from "../core/instance.ts";
import { isObject, type Json } from "../core/json.ts";

// What a protocol that takes text is sent for a payload.

/** The text of a payload: a string or `{"message": "…"}` as it is, anything else as JSON; of none, nothing. */
export function textOf(payload: Json): string {
  if (payload === null) return "";
  if (typeof payload === "string") return payload;
  if (isObject(payload) && typeof payload.message === "string" && Object.keys(payload).length === 1)
    return payload.message;
  return JSON.stringify(payload);
}

/** @throws OrchestratorError `bad_request`, not sent, where there is nothing to ask. */
export function promptOf(payload: Json, { name, protocol, settings }: Instance): string {
  const text = textOf(payload);
  if (text.trim() === "") {
    throw new OrchestratorError("bad_request", `payload: ${name} (protocol ${protocol}) needs a prompt.`, {
      instance: name,
      delivery: "not_sent",
      action: 'Give a payload such as "your question" or {"message": "your question"}.',
    });
  }
  return templated(text, settings);
}

/** By a function: what the text has of $ is its own. */
export function templated(text: string, settings: InstanceSettings | undefined): string {
  return settings?.template?.replaceAll(PROMPT_PLACE, () => text) ?? text;
}

import { OrchestratorError } from "../core/errors.ts";
import { type Instance, type InstanceSettings, PROMPT_PLACE } from "../core/instance.ts";
import type { Json } from "../core/json.ts";
import { textOf } from "../core/prompt.ts";

// What a protocol that takes text is sent for a payload.

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

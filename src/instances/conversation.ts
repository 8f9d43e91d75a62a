import type { Instance } from "../core/instance.ts";
import type { Answer, Call } from "../core/ports.ts";
import { textOf } from "../core/prompt.ts";
import type { ChatMessage } from "./chat-completions.ts";
import { promptOf, templated } from "./prompt.ts";
import { type TokenScale, within } from "./token-window.ts";

const CONTEXT_TOKENS = 16_000;

/**
 * What is said to a model for a call, with what was said before as far as there is room, and how many of
 * the oldest exchanges there was none for.
 *
 * @throws OrchestratorError `bad_request`, not sent, where there is nothing to ask.
 */
export function conversation(
  { payload, history = [] }: Pick<Call, "payload" | "history">,
  instance: Instance,
  scale: TokenScale,
): { messages: ChatMessage[]; leftOut: number } {
  const { settings = {} } = instance;
  const system: ChatMessage[] =
    settings.system === undefined ? [] : [{ role: "system", content: settings.system }];
  const last: ChatMessage = { role: "user", content: promptOf(payload, instance) };
  const fixed = [...system, last].reduce((sum, { content }) => sum + scale.of(content), 0);
  const { messages, leftOut } = within(history, {
    tokens: (settings.contextTokens ?? CONTEXT_TOKENS) - fixed,
    scale,
    write: ({ data, result }) => [
      { role: "user", content: templated(textOf(data), settings) },
      { role: "assistant", content: textOf(result) },
    ],
  });
  return { messages: [...system, ...messages, last], leftOut };
}

/** The answer with a warning of what its model was not told, if anything. */
export function withLeftOut(answer: Answer, { name }: Instance, leftOut: number): Answer {
  if (answer.reply !== "done" || leftOut === 0) return answer;
  const warning = `${name} was not told the ${leftOut} oldest messages of the session: fleet.${name}.contextTokens has no room for them.`;
  return { ...answer, warning: answer.warning === undefined ? warning : `${answer.warning} ${warning}` };
}

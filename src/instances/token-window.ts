import type { AnsweredMessage } from "../core/session.ts";
import type { Usage } from "../core/usage.ts";
import type { ChatMessage } from "./chat-completions.ts";

/** Tokens a character, until the model has said how many it counts: English has some 0.25, code and CJK more. */
const FIRST_GUESS = 1 / 3;
/** Each message costs a few tokens besides its text. */
const TOKENS_A_MESSAGE = 4;

/** Estimates tokens from characters, by what the model itself has counted so far. */
export class TokenScale {
  #tokensPerChar = FIRST_GUESS;

  /** Learns from a request and what its usage says. */
  learn(messages: readonly ChatMessage[], usage: Usage | undefined): void {
    const chars = messages.reduce((sum, { content }) => sum + content.length, 0);
    const tokens = (usage?.inputTokens ?? 0) - TOKENS_A_MESSAGE * messages.length;
    // Of a few characters the model's own frame is the most.
    if (chars >= 400 && tokens > 0) this.#tokensPerChar = Math.min(2, Math.max(0.1, tokens / chars));
  }

  of(text: string): number {
    return Math.ceil(text.length * this.#tokensPerChar) + TOKENS_A_MESSAGE;
  }
}

/** The newest exchanges that fit, oldest first, and how many were left out. An exchange is never torn. */
export function within(
  history: readonly AnsweredMessage[],
  {
    tokens,
    scale,
    write,
  }: { tokens: number; scale: TokenScale; write: (message: AnsweredMessage) => ChatMessage[] },
): { messages: ChatMessage[]; leftOut: number } {
  const messages: ChatMessage[] = [];
  let left = tokens;
  let at = history.length;
  for (; at > 0; at--) {
    const exchange = write(history[at - 1] as AnsweredMessage);
    left -= exchange.reduce((sum, { content }) => sum + scale.of(content), 0);
    if (left < 0) break;
    messages.unshift(...exchange);
  }
  return { messages, leftOut: at };
}

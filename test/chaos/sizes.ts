// How large the bodies are that matter to the chaos test, in bytes.

/** Bodies that long are still on their way when the head is there. */
export const LONG_BODY = 200_000;

/** More than the instance host takes: 8 MiB. */
const TOO_LONG_BODY = 8 * 1024 * 1024 + 1;

/** The orchestrators read no more of a reply than this, so that one over it costs little. */
export const REPLY_LIMIT = 100_000;

/** Which limit a task is made to exceed: the host's on bodies, or the orchestrators' on replies. */
export type OverLimit = "body" | "reply";

/** What a payload is filled up with where it goes out: before, it is stored and passed on in short. */
export function bodyPad(over: OverLimit | undefined): { pad?: string } {
  return over === "body" ? { pad: "x".repeat(TOO_LONG_BODY) } : {};
}

/** What a worker fills its result up with. */
export function replyPad(over: OverLimit | undefined): { pad?: string } {
  return over === "reply" ? { pad: "x".repeat(REPLY_LIMIT) } : {};
}

import type { Capabilities } from "./protocol.ts";

/** What a protocol cannot do, in words, such as `no idempotency, no sessions`; empty where it can do all. */
export function lacks(capabilities: Capabilities): string {
  return Object.entries(capabilities)
    .filter(([name, can]) => !can && name !== "streaming")
    .map(([name]) => `no ${name}`)
    .join(", ");
}

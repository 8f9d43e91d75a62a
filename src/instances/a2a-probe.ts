import type { Agent } from "./a2a-card.ts";
import type { NoAgent } from "./a2a-cards.ts";
import { type Failed, isRateLimited, ownErrorOf } from "./a2a-errors.ts";
import { isSuccess } from "./delivery.ts";
import { type Seen, seenAnyhow, strange } from "./probe.ts";

// What a poll shows of an agent: its card, and what it says of a task that nobody has given it. A card is public and may
// lie on another machine; the question goes where work would go, and shows whether the key is taken.

/** There is no card, or none that leads to an agent. */
export function readNoAgent({ refusal, exchange }: NoAgent, name: string): Seen {
  const anyhow = exchange && seenAnyhow(exchange);
  if (anyhow) return anyhow;
  if (exchange && !isSuccess(exchange.status))
    return strange(exchange.status, undefined, ", with no agent card");
  const said = refusal.error.message.replace(`${name} `, "").replace(/\.$/, "");
  return { state: "down", reason: said };
}

/** The answer to a question about no task. */
export function readAgent(told: { value: unknown } | Failed, { card }: Agent): Seen {
  const [{ protocolBinding, protocolVersion } = { protocolBinding: "", protocolVersion: "" }] =
    card.supportedInterfaces;
  const healthy: Seen = {
    state: "healthy",
    reason: `answers A2A ${protocolVersion} over ${protocolBinding}`,
  };
  if ("value" in told) return healthy;
  const own = ownErrorOf(told);
  const { exchange } = told.wire;
  const anyhow = exchange && seenAnyhow(exchange);
  if (anyhow) return anyhow;
  if (own && isRateLimited(own)) return { state: "degraded", reason: `is rate limited: ${own.message}` };
  if (own?.reason === "VERSION_NOT_SUPPORTED") return { state: "down", reason: own.message };
  // Whatever else it says of the task, it has said so in A2A. One that is not there is a 404 by HTTP+JSON.
  if (own && (exchange?.status ?? 0) < 500 && own.reason !== "INTERNAL_ERROR") return healthy;
  const message = own && { code: "instance_error" as const, message: own.message };
  return strange(exchange?.status ?? 0, message, ", with what is none of A2A's answers");
}

import { randomUUID } from "node:crypto";
import { asks } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../core/answers.ts";
import type { AggregateCall } from "../core/calls.ts";
import type { Api } from "./api.ts";
import { has } from "./paths.ts";
import { Waiting, waitOf } from "./waiting.ts";

/**
 * Has a server combine answers. What `reduce` and `judge` ask of an instance goes out under a key, so that
 * it is asked once however often the request is made, and is waited for in several requests.
 */
export async function combine(
  api: Api,
  call: AggregateCall,
  longestWaitMs: number,
  signal: AbortSignal | undefined,
): Promise<AggregateAnswer> {
  const request = {
    method: "POST",
    path: "aggregate",
    kind: "read",
    isOurs: has("strategy"),
    signal,
  } as const;
  if (!asks(call.strategy)) return (await api.call<AggregateAnswer>(() => ({ ...request, body: call }))).body;
  const keyed = { ...call, idempotencyKey: call.idempotencyKey ?? randomUUID() };
  const waiting = new Waiting(waitOf(call), longestWaitMs);
  for (;;) {
    const askedAt = performance.now();
    const { body } = await api.call<AggregateAnswer>(() => {
      const waitMs = waiting.nextMs;
      return { ...request, body: { ...keyed, wait: `${waitMs}ms` }, waitMs };
    });
    if (!body.pending || waiting.remainingMs === 0) return body;
    await waiting.pauseAfter(askedAt);
  }
}

import { randomUUID } from "node:crypto";
import { asks } from "../core/aggregation/strategy.ts";
import type { AggregateAnswer } from "../core/answers.ts";
import type { AggregateCall } from "../core/calls.ts";
import type { Api, ApiCall } from "./api.ts";
import { has, idIn } from "./paths.ts";
import { Waiting, waitOf } from "./waiting.ts";

/**
 * Has a server combine answers. What `reduce` and `judge` ask of an instance goes out under a key, so that
 * it is asked once however often the request is made, is waited for in several requests, and is cancelled
 * once the signal is aborted.
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
  let begun = false;
  const asked = async (wait: () => number, facts: Pick<ApiCall, "signal" | "onStart"> = {}) => {
    const { body } = await api.call<AggregateAnswer>(() => {
      const waitMs = wait();
      return { ...request, signal: undefined, ...facts, body: { ...keyed, wait: `${waitMs}ms` }, waitMs };
    });
    return body;
  };
  const onStart = () => {
    begun = true;
  };
  try {
    for (;;) {
      const askedAt = performance.now();
      const answer = await asked(() => waiting.nextMs, { signal, onStart });
      if (!answer.pending || waiting.remainingMs === 0) return answer;
      await waiting.pauseAfter(askedAt);
    }
  } catch (error) {
    if (!signal?.aborted || !begun) throw error;
    const answer = await asked(() => 0);
    if (!answer.pending || !answer.by) return answer;
    const path = `runs/${idIn(answer.by.runId, "runId")}`;
    await api.call(() => ({ method: "DELETE", path, kind: "read", isOurs: has("runId") }));
    return asked(() => 0);
  }
}

import { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Probe } from "../core/ports.ts";
import type { Channel } from "./channel.ts";
import { failureReason, type OwnError } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";

/** What a health poll shows, but for the time that it took. */
export type Seen = Omit<Probe, "latencyMs">;

/** Polls an instance's health with one GET, which has `timeoutMs` from the connection to the last byte. */
export async function probe(
  channel: Channel,
  path: string,
  timeoutMs: number,
  read: (exchange: Exchange) => Seen,
): Promise<Probe> {
  const { clock } = channel;
  const startedAt = clock.monotonic();
  const cancellation = new Cancellation();
  const stop = clock.after(timeoutMs, () =>
    cancellation.cancel(new OrchestratorError("timeout", `no answer within ${timeoutMs} ms`)),
  );
  const seen = await channel.request(
    {
      method: "GET",
      path,
      headers: ["accept", "application/json"],
      headersTimeoutMs: timeoutMs,
      cancellation,
    },
    (exchange) => ({ value: read(exchange), quotes: true }),
  );
  stop();
  return { ...seen, latencyMs: clock.monotonic() - startedAt };
}

/** What every protocol makes of a poll alike; `undefined` where its own answer is to be read. */
export function seenAnyhow({ status, failure }: Exchange): Seen | undefined {
  if (failure) {
    // Reached but not asked, for want of an accepted credential: that is no outage.
    const state = failure.kind === "withheld" ? "degraded" : "down";
    return { state, reason: failureReason(failure) };
  }
  if (status === 401 || status === 403)
    return { state: "degraded", reason: `refuses our key (HTTP ${status})` };
  if (status >= 300 && status < 400) return { state: "down", reason: `answered a redirect (HTTP ${status})` };
  return undefined;
}

/** An answer that is not the protocol's. A 5xx may pass; what answers a poll otherwise is no instance of it. */
export function strange(status: number, own: OwnError | undefined, instead: string): Seen {
  const state = status >= 500 || status === 429 ? "degraded" : "down";
  return { state, reason: `answered HTTP ${status}${own ? `: ${own.message}` : instead}` };
}

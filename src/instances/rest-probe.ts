import { isObject, type JsonObject, parseJson } from "../core/json.ts";
import type { Probe } from "../core/ports.ts";
import type { Reading } from "./channel.ts";
import { failureReason, isSuccess } from "./delivery.ts";
import { readOwnError } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";

/** What a health poll shows, but for the time that it took. */
export type Seen = Omit<Probe, "latencyMs">;

const OWN_STATES: Record<string, Seen["state"]> = {
  healthy: "healthy",
  degraded: "degraded",
  draining: "draining",
  down: "down",
};

/** What the answer to `GET /api/health/check` says of the instance. */
export function readProbe(exchange: Exchange): Reading<Seen> {
  return { value: seen(exchange), quotes: true };
}

function seen(exchange: Exchange): Seen {
  const { status, failure, body, headers } = exchange;
  if (failure) {
    // Reached but not asked, for want of an accepted credential: that is no outage.
    const state = failure.kind === "withheld" ? "degraded" : "down";
    return { state, reason: failureReason(failure) };
  }
  if (isSuccess(status) || status === 503) {
    const health = parseJson(body);
    const state =
      isObject(health) && typeof health.status === "string" ? OWN_STATES[health.status] : undefined;
    if (isObject(health) && state)
      return { state, reason: `answered ${state} (HTTP ${status})`, ...figures(health) };
  }
  if (status === 401 || status === 403)
    return { state: "degraded", reason: `refuses our key (HTTP ${status})` };
  if (status >= 300 && status < 400) return { state: "down", reason: `answered a redirect (HTTP ${status})` };
  const own = isSuccess(status) ? undefined : readOwnError(body);
  const what = own
    ? `: ${own.message}`
    : `, with ${kindOf(body, headers["content-type"])} for our health JSON`;
  // A 5xx may pass; what answers a poll otherwise is no instance of this protocol.
  const state = status >= 500 || status === 429 ? "degraded" : "down";
  return { state, reason: `answered HTTP ${status}${what}` };
}

function figures({ inFlight, storeId }: JsonObject): Pick<Probe, "inFlight" | "storeId"> {
  return {
    ...(typeof inFlight === "number" && { inFlight }),
    ...(typeof storeId === "string" && { storeId }),
  };
}

function kindOf(body: string, contentType: Exchange["headers"][string]): string {
  if (body === "") return "nothing";
  if (/html/i.test(String(contentType)) || /^\s*<(!doctype|html)/i.test(body)) return "HTML";
  return parseJson(body) === undefined ? "text" : "other JSON";
}

import { isObject, type JsonObject, parseJson } from "../core/json.ts";
import type { Probe } from "../core/ports.ts";
import { isSuccess } from "./delivery.ts";
import { readOwnError } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";
import { type Seen, seenAnyhow, strange } from "./probe.ts";

const OWN_STATES: Record<string, Seen["state"]> = {
  healthy: "healthy",
  degraded: "degraded",
  draining: "draining",
  down: "down",
};

/** What the answer to `GET /api/health/check` says of the instance. */
export function readHealth(exchange: Exchange): Seen {
  const anyhow = seenAnyhow(exchange);
  if (anyhow) return anyhow;
  const { status, body, headers } = exchange;
  if (isSuccess(status) || status === 503) {
    const health = parseJson(body);
    const state =
      isObject(health) && typeof health.status === "string" ? OWN_STATES[health.status] : undefined;
    if (isObject(health) && state)
      return { state, reason: `answered ${state} (HTTP ${status})`, ...figures(health) };
  }
  const own = isSuccess(status) ? undefined : readOwnError(body);
  return strange(status, own, `, with ${kindOf(body, headers["content-type"])} for our health JSON`);
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

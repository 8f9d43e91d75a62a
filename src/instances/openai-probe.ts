import { isObject, parseJson } from "../core/json.ts";
import { isSuccess } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { type Seen, seenAnyhow, strange } from "./probe.ts";
import { readModelError } from "./stream.ts";

/** What the answer to `GET /models` says; not everybody has it. */
export function readModels(exchange: Exchange, model: string | undefined): Seen {
  const anyhow = seenAnyhow(exchange);
  if (anyhow) return anyhow;
  const { status, body } = exchange;
  if (status === 404 || status === 405 || status === 501)
    return { state: "healthy", reason: `answers, and lists no models (HTTP ${status})` };
  const json = parseJson(body);
  const list = isObject(json) ? (json.data ?? json.models) : undefined;
  if (!isSuccess(status) || !Array.isArray(list))
    return strange(
      status,
      isSuccess(status) ? undefined : readModelError(exchange),
      ", with no list of models",
    );
  const ids = list.flatMap((each) => (isObject(each) && typeof each.id === "string" ? each.id : []));
  // Ollama lists `llama3.2` as `llama3.2:latest`; a gateway's list may name none.
  const has =
    model === undefined || ids.length === 0 || ids.some((id) => id === model || id === `${model}:latest`);
  if (has) return { state: "healthy", reason: `answered healthy (HTTP ${status})` };
  return { state: "degraded", reason: `does not list model ${model}, but ${named(ids)}` };
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(", ");
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
}

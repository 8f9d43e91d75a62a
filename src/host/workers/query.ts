import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";

export interface SearchRequest {
  /** What to look for, as text. */
  query: string;
  /** At most so many hits are shown. */
  limit: number;
  /** Search only among what the session's previous message found. */
  narrow: boolean;
}

const DEFAULT_LIMIT = 10;
const MOST_HITS = 100;

/**
 * Reads a payload: `{"query","limit"?}`, `{"narrow","limit"?}`, or any JSON whose text values are the query.
 * @throws OrchestratorError `bad_request` that names the wrong field.
 */
export function readRequest(payload: Json): SearchRequest {
  return { ...queryOf(payload), limit: readLimit(payload) };
}

/** The same of a message that was answered before, maybe by another kind of worker: any JSON has a query. */
export function queryOf(payload: Json): Pick<SearchRequest, "query" | "narrow"> {
  if (isObject(payload)) {
    if (typeof payload.narrow === "string") return { query: payload.narrow, narrow: true };
    if (typeof payload.query === "string") return { query: payload.query, narrow: false };
  }
  return { query: [...texts(payload)].join(" "), narrow: false };
}

/** The failure of a query in which there is nothing to look for. */
export function noWords({ narrow }: SearchRequest): OrchestratorError {
  const field = narrow ? "narrow" : "query";
  return new OrchestratorError("bad_request", `The payload's "${field}" has no word to search for.`, {
    action: `Send {"${field}": "some words"}.`,
  });
}

function readLimit(payload: Json): number {
  if (!isObject(payload) || payload.limit === undefined) return DEFAULT_LIMIT;
  const { limit } = payload;
  if (typeof limit === "number" && Number.isInteger(limit) && limit >= 1 && limit <= MOST_HITS) return limit;
  throw new OrchestratorError(
    "bad_request",
    `"limit" is ${JSON.stringify(limit)}, which is no number of hits.`,
    {
      action: `Give "limit" a whole number from 1 to ${MOST_HITS}, or leave it out for ${DEFAULT_LIMIT}.`,
    },
  );
}

/** Every text value inside, in order, without recursion: a payload may be nested deeply. */
function* texts(payload: Json): Generator<string> {
  const rest: Json[] = [payload];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === "string") yield next;
    else if (next !== null && typeof next === "object") {
      for (const inner of Object.values(next).reverse()) rest.push(inner);
    }
  }
}

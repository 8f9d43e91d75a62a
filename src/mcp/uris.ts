/** Whether anybody may be reached, by name. */
export const FLEET_URI = "orchestrator://fleet";

export function runUri(runId: string): string {
  return `orchestrator://runs/${encodeURIComponent(runId)}`;
}

/** @param offset Where the page of the result begins, in characters. */
export function resultUri(runId: string, instance: string, offset = 0): string {
  return `${runUri(runId)}/${encodeURIComponent(instance)}${offset === 0 ? "" : `?offset=${offset}`}`;
}

export function sessionUri(sessionId: string): string {
  return `orchestrator://sessions/${encodeURIComponent(sessionId)}`;
}

/** What a URI of ours names. */
export type Named =
  | { kind: "fleet" }
  | { kind: "run"; runId: string }
  | { kind: "result"; runId: string; instance: string; offset: number }
  | { kind: "session"; sessionId: string };

const URI = /^orchestrator:\/\/(fleet|runs|sessions)((?:\/[^/?#]+)*)(?:\?offset=(\d{1,12}))?$/;

/** `undefined` for what is none of ours. */
export function readUri(uri: string): Named | undefined {
  const [, collection, path = "", offset] = URI.exec(uri) ?? [];
  const [first, second, ...more] = path.split("/").slice(1).map(decoded);
  if (first === "" || second === "" || more.length > 0) return undefined;
  if (collection === "runs" && first !== undefined && second !== undefined)
    return { kind: "result", runId: first, instance: second, offset: Number(offset ?? 0) };
  if (offset !== undefined || second !== undefined) return undefined;
  if (collection === "fleet") return first === undefined ? { kind: "fleet" } : undefined;
  if (first === undefined) return undefined;
  return collection === "runs" ? { kind: "run", runId: first } : { kind: "session", sessionId: first };
}

/** Nothing where it is not encoded as a URI is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

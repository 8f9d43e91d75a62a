import type { EngineChange } from "../core/changes.ts";
import { isObject, parseJson } from "../core/json.ts";
import { pause } from "./abort.ts";
import type { Api } from "./api.ts";
import { EVENT_LIMIT, SILENCE_MS, untilBroken } from "./events.ts";
import { Failure } from "./failure.ts";
import { type Message, SseReader } from "./sse.ts";

/** After so many tries in vain the pauses between them grow no longer. */
const LONGEST_PAUSE_ROUND = 4;
/** A server that refuses may be another one later. */
const AFTER_REFUSAL_MS = 60_000;

/**
 * What changes at a server, over as many connections as it takes, until the signal is aborted: a server that is not
 * there, or does not know this call, may be one day. After a connection anew all that is known is that some may
 * have been `missed`.
 */
export async function* followChanges(api: Api, signal: AbortSignal): AsyncGenerator<EngineChange> {
  const headers = { accept: "text/event-stream" };
  let failures = 0;
  for (let tries = 0; !signal.aborted; tries++) {
    const stream = await api.stream(
      { method: "GET", path: "changes", kind: "read", headers, signal },
      SILENCE_MS,
    );
    if (!(stream instanceof Failure)) {
      if (tries > 0) yield { kind: "missed" };
      const reader = new SseReader(EVENT_LIMIT);
      for await (const chunk of untilBroken(stream)) {
        failures = 0;
        yield* reader.push(chunk).flatMap(toChange);
      }
    }
    const isRefused = stream instanceof Failure && stream.again === "never";
    const round = Math.min(failures++, LONGEST_PAUSE_ROUND);
    const retryAfterMs = stream instanceof Failure ? stream.retryAfterMs : 0;
    if (isRefused || !(await api.pause(round, retryAfterMs, signal))) await pause(AFTER_REFUSAL_MS, signal);
  }
}

const KINDS: ReadonlySet<unknown> = new Set<EngineChange["kind"]>(["fleet", "run", "session"]);

/** None for one of a kind that a newer server has. */
function toChange({ event, data }: Message): EngineChange[] {
  const change = event === "change" ? parseJson(data) : undefined;
  return isObject(change) && KINDS.has(change.kind) ? [change as unknown as EngineChange] : [];
}

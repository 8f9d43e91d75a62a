import { OrchestratorError } from "../core/errors.ts";
import { isObject, parseJson } from "../core/json.ts";
import type { RunEvent } from "../core/run-answers.ts";
import type { Api } from "./api.ts";
import type { Sent } from "./connection.ts";
import { Failure } from "./failure.ts";
import { idIn } from "./paths.ts";
import { type Message, SseReader } from "./sse.ts";

/** The server sends a comment every 15 s: one that has not for so long is gone. */
export const SILENCE_MS = 45_000;
/** Most characters of one event; results of more than 20,000 are left out of them. */
export const EVENT_LIMIT = 4 * 1024 * 1024;

export interface Following {
  runId: string;
  /** The id of the last event that was seen. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The events of a run until its end, over as many connections as it takes: a broken one is made anew, and
 * goes on after the last event that came. Ends early, and quietly, when the signal is aborted.
 *
 * @throws OrchestratorError what the server refuses it with; or, when it cannot be reached again, why.
 */
export async function* followRun(api: Api, { runId, after, signal }: Following): AsyncGenerator<RunEvent> {
  const path = `runs/${idIn(runId, "runId")}/events`;
  let last = after;
  let failures = 0;
  while (!signal?.aborted) {
    const headers = { accept: "text/event-stream", ...(last !== undefined && { "last-event-id": last }) };
    const stream = await api.stream({ method: "GET", path, kind: "read", headers, signal }, SILENCE_MS);
    if (!(stream instanceof Failure)) {
      const reader = new SseReader(EVENT_LIMIT);
      for await (const chunk of untilBroken(stream)) {
        // Bytes are a sign of life: only a server that sends none for several tries is given up.
        failures = 0;
        for (const message of reader.push(chunk)) {
          last = message.id || last;
          const event = toRunEvent(message);
          if (event) yield event;
          if (event?.event === "end") return;
        }
      }
    }
    if (signal?.aborted) return;
    const failure = stream instanceof Failure ? stream : brokenOff(runId);
    const mayRepeat = failure.again !== "never";
    if (!mayRepeat || !(await api.pause(failures, failure.retryAfterMs, signal))) throw failure.error;
    failures += 1;
  }
}

/** What breaks a stream off is no matter: it is asked for again. */
export async function* untilBroken({ body }: Sent): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch {}
}

function brokenOff(runId: string): Failure {
  const error = new OrchestratorError(
    "instance_down",
    `The events of run ${runId} broke off before its end.`,
    {
      runId,
      action: "Ask for them again after the last one that came, or wait for the run with runsGet.",
    },
  );
  return new Failure(error, "always");
}

const KINDS: ReadonlySet<string> = new Set<RunEvent["event"]>(["working", "outcome", "step", "end"]);

/** An event of a run; `undefined` for one of a kind that a newer server has. */
function toRunEvent({ event, data, id }: Message): RunEvent | undefined {
  if (!KINDS.has(event)) return undefined;
  const parsed = parseJson(data);
  if (isObject(parsed)) return { id, event, data: parsed } as unknown as RunEvent;
  throw new OrchestratorError("instance_error", `The data of an event "${event}" is no JSON object.`, {
    action: "See what stands before the server and changes its answers.",
  });
}

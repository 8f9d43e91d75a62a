import {
  CLIENT_INFO_META_KEY,
  type Implementation,
  type ProgressToken,
  SdkError,
  SdkErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { ProgressEvent } from "../core/run-answers.ts";
import { oneLine } from "./words.ts";

const LONGEST_CLIENT_NAME = 64;
/** Many clients give a call up after 60 s; one that waits longer than this is answered with its handle. */
export const LONGEST_WAIT_MS = 50_000;

/**
 * Who calls, and how the call is watched and cancelled: as one request of a client says.
 *
 * @param clientName The name that a client of the 2025 era gave when it connected.
 * @param isOpen Whether the call is still unanswered: after its answer there is no more progress.
 */
export function callContext(
  { mcpReq, http }: ServerContext,
  clientName: string | undefined,
  isOpen: () => boolean,
): CallContext & { gone: Cancellation } {
  const { _meta } = mcpReq;
  const envelope: { [CLIENT_INFO_META_KEY]?: Implementation } | undefined = mcpReq.envelope;
  const name = envelope?.[CLIENT_INFO_META_KEY]?.name ?? clientName;
  const token = _meta?.progressToken;
  return {
    createdBy: name ? `mcp:${name.slice(0, LONGEST_CLIENT_NAME)}` : "mcp",
    confirmsAll: true,
    longestWaitMs: LONGEST_WAIT_MS,
    ...endingsOf(mcpReq, http?.req?.signal, isOpen),
    ...(token !== undefined && { onProgress: progressReporter(mcpReq, token, isOpen) }),
  };
}

/**
 * A client's cancel cancels the work, unless all it says is that its own timer ran out: many send one
 * then, and nobody knows the run. That, and a lost connection, only end the waiting. Over Streamable HTTP
 * revision 2026-07-28 knows no other cancel than to hang up: there a lost connection is one.
 *
 * @param connection Over HTTP: aborted when the connection is gone before all of the answer is out.
 */
function endingsOf(
  { signal, envelope }: ServerContext["mcpReq"],
  connection: AbortSignal | undefined,
  isOpen: () => boolean,
): { cancellation: Cancellation; gone: Cancellation } {
  const endings = { cancellation: new Cancellation(), gone: new Cancellation() };
  const cancel = (message: string) =>
    endings.cancellation.cancel(new OrchestratorError("cancelled", message));
  whenAborted(connection, () => {
    if (envelope !== undefined && isOpen())
      cancel("The client closed the connection, which cancels the call.");
    else endings.gone.cancel();
  });
  whenAborted(signal, () => {
    // Over HTTP a request's server ends with its answer, and nobody is gone by that.
    if (connection && !isOpen()) return;
    if (!isDetached(signal.reason)) cancel("The client cancelled the call.");
    else if (!connection?.aborted) endings.gone.cancel();
  });
  return endings;
}

function whenAborted(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal?.aborted) listener();
  else signal?.addEventListener("abort", listener, { once: true });
}

function isDetached(reason: unknown): boolean {
  return isConnectionClosed(reason) || /\btime(d[ -]?out|out)\b/i.test(String(reason));
}

function isConnectionClosed(reason: unknown): boolean {
  return reason instanceof SdkError && reason.code === SdkErrorCode.ConnectionClosed;
}

/**
 * Notifies of each instance that has finished, and of how far those are that work; progress only ever
 * rises: between one end and the next by ever smaller parts of one.
 */
function progressReporter(
  { signal, notify }: ServerContext["mcpReq"],
  progressToken: ProgressToken,
  isOpen: () => boolean,
): (event: ProgressEvent) => void {
  let last = 0;
  let parts = 0;
  return ({ step, instance, reply, ended, total, working }) => {
    if (signal.aborted || !isOpen()) return;
    if (!working) parts = 0;
    const progress = working ? ended + 1 - 1 / (++parts + 1) : ended;
    if (progress <= last) return;
    last = progress;
    const state = working ? workingWords(working) : reply === "none" ? "no reply" : reply;
    const message = `${step ?? instance}: ${state} (${ended} of ${total})`;
    const params = { progressToken, progress, total, message };
    // A client that is gone misses nothing by not hearing of progress.
    notify({ method: "notifications/progress", params }).catch(() => {});
  };
}

function workingWords({ chars, note }: NonNullable<ProgressEvent["working"]>): string {
  const said = note === undefined ? [] : [oneLine(note, 100)];
  return ["working", ...(chars === undefined ? [] : [`${chars} characters so far`]), ...said].join(", ");
}

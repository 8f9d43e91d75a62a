import { randomUUID } from "node:crypto";
import { OrchestratorError } from "../core/errors.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../core/json.ts";
import type { AnsweredMessage, RemoteTranscript } from "../core/session.ts";
import type { Channel } from "./channel.ts";
import { isSuccess, refusal } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { snippet } from "./snippet.ts";
import { readModelError } from "./stream.ts";

// Sessions of a gateway: what our keys for them say, and what the tools for its own agents tell and do.

/** A gateway gives at most 80 KB of a transcript, whatever is asked for. */
const MOST_MESSAGES = 1_000;
/** More than one session may have a name that looks like the one that is sought. */
const MOST_FOUND = 10;

/**
 * The key of a new session. It names the agent, which a gateway with several must be told, and how many
 * exchanges an earlier owner had, so that whoever sends the first message, at any time, knows that the
 * gateway is to be told of them.
 */
export function newSessionKey(agent: string | undefined, exchanges: number): string {
  const owner = agent === undefined ? "" : `agent:${agent}:`;
  return `${owner}orchestrator-${randomUUID()}${exchanges > 0 ? `-after-${exchanges}` : ""}`;
}

/** The agent whose session it is; `undefined` for the gateway's only one. */
export function agentOf(key: string): string | undefined {
  return /^agent:([^:]+):/.exec(key)?.[1];
}

/** Whether the gateway has answered nothing in this session yet, and there is a past to tell it of. */
export function isFirst(key: string, history: readonly AnsweredMessage[] = []): boolean {
  const exchanges = /-after-(\d+)$/.exec(key)?.[1];
  return exchanges !== undefined && Number(exchanges) === history.length;
}

/** What a gateway keeps of a session: nothing before its first message, and after it was deleted or pruned. */
export async function readTranscript(
  channel: Channel,
  key: string,
  timeoutMs: number,
): Promise<RemoteTranscript> {
  const args = { sessionKey: key, limit: MOST_MESSAGES };
  const { messages, droppedMessages } = await invoke(channel, timeoutMs, "sessions_history", args);
  const read = (Array.isArray(messages) ? messages : []).flatMap(messageOf);
  return { messages: read, ...(droppedMessages === true && { cut: true }) };
}

function messageOf(message: Json): RemoteTranscript["messages"] {
  if (!isObject(message) || typeof message.role !== "string") return [];
  const { role, content, timestamp } = message;
  const parts = Array.isArray(content) ? content : [{ text: content ?? null }];
  const texts = parts.flatMap((part) => (isObject(part) && typeof part.text === "string" ? part.text : []));
  if (texts.length === 0) return [];
  return [{ role, text: texts.join("\n"), ...(typeof timestamp === "number" && { at: timestamp }) }];
}

/** Deletes a session, which the gateway archives; it wants to hear the id that the session has now. */
export async function deleteSession(channel: Channel, key: string, timeoutMs: number): Promise<void> {
  const listed = await invoke(channel, timeoutMs, "sessions_list", {
    ...{ sessionKey: key, search: key, limit: MOST_FOUND },
  });
  const sessions = Array.isArray(listed.sessions) ? listed.sessions.filter(isObject) : [];
  const session = sessions.find(({ key: found }) => found === key || String(found).endsWith(`:${key}`));
  if (!session) return;
  const { key: sessionKey = null, sessionId: expectedSessionId = null } = session;
  const args = { action: "delete", sessionKey, expectedSessionId };
  await invoke(channel, timeoutMs, "sessions", args);
}

/**
 * Has the gateway use one of its agents' tools, and returns the details of the result; none where it says that there is no
 * such session.
 *
 * @throws OrchestratorError why it was not used.
 */
async function invoke(
  channel: Channel,
  timeoutMs: number,
  tool: string,
  args: JsonObject,
): Promise<JsonObject> {
  const agentId = agentOf(String(args.sessionKey));
  const told = await channel.request(
    {
      method: "POST",
      path: "/tools/invoke",
      headers: ["content-type", "application/json", "accept", "application/json"],
      body: JSON.stringify({ tool, args, ...(agentId !== undefined && { agentId }) }),
      headersTimeoutMs: timeoutMs,
      policy: true,
    },
    (exchange) => ({
      value: readInvoked(exchange, { tool, name: channel.name, now: channel.clock.now() }),
      quotes: true,
    }),
  );
  if (told instanceof OrchestratorError) throw told;
  return told;
}

function readInvoked(
  exchange: Exchange,
  { tool, name, now }: { tool: string; name: string; now: number },
): JsonObject | OrchestratorError {
  const { status, body, failure } = exchange;
  if (status === 403 || status === 404) {
    const why = readModelError(exchange)?.message ?? (snippet(body) || `HTTP ${status}`);
    return new OrchestratorError("instance_error", `${name} does not let its tool ${tool} be used: ${why}`, {
      instance: name,
      action: `Allow ${tool} in the gateway's tool policy (tools.allow, gateway.tools.allow).`,
    });
  }
  if (!isSuccess(status) || failure) return refusal(exchange, name, now, readModelError(exchange)).error;
  const json = parseJson(body);
  const details = isObject(json) && isObject(json.result) ? json.result.details : undefined;
  if (!isObject(details))
    return new OrchestratorError("instance_error", `${name} answered ${tool} with something else.`, {
      instance: name,
    });
  // What went wrong within the tool comes as a success.
  if (details.status !== "error" && details.status !== "forbidden") return details;
  const why = typeof details.error === "string" ? details.error : "it does not say why";
  if (/^(no )?session (not )?found/i.test(why)) return {};
  return new OrchestratorError("instance_error", `${name} could not use ${tool}: ${why}`, { instance: name });
}

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { ClientCapabilities } from "@modelcontextprotocol/sdk/types.js";
import { Agent, type Dispatcher } from "undici";
import { DEFAULT_MCP_SETTINGS } from "../../src/core/mcp-settings.ts";
import type { Clock } from "../../src/core/ports.ts";
import { chooseTools, type ToolChoice } from "../../src/mcp/choose-tools.ts";
import { createMcpHttp } from "../../src/mcp/http.ts";
import { startFleet } from "../client/harness.ts";
import { onEnd } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { recordingLogger } from "../support/logger.ts";

export type Fleet = Awaited<ReturnType<typeof startMcp>>;

type FleetOptions = NonNullable<Parameters<typeof startFleet>[1]>;

/** The real server with `/mcp`, over instances A, B… whose tasks end when the test says so. */
export async function startMcp(
  size = 1,
  {
    sessions,
    sessionClock = systemClock,
    choice,
    ...options
  }: FleetOptions & { sessions?: number; sessionClock?: Clock; choice?: ToolChoice } = {},
) {
  const logger = recordingLogger();
  const mcp = createMcpHttp({
    settings: () => DEFAULT_MCP_SETTINGS,
    ...{ version: "1.2.3", logger, clock: sessionClock },
    ...(choice && { tools: chooseTools(choice) }),
    ...(sessions !== undefined && { mostSessions: sessions }),
  });
  const fleet = await startFleet(size, { ...options, mcp });
  return { ...fleet, mcp: `${fleet.url}/mcp`, logger };
}

export interface Connected {
  client: Client;
  transport: StreamableHTTPClientTransport;
}

/** The official 1.x client over Streamable HTTP; it ends with the test. */
export async function connectTo(
  url: string,
  key?: string,
  capabilities: ClientCapabilities = {},
): Promise<Connected> {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: bearer(key) },
  });
  const client = new Client({ name: "test-client", version: "1.0.0" }, { capabilities });
  await client.connect(transport);
  onEnd(() => client.close());
  return { client, transport };
}

function bearer(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

export interface Answer {
  status: number;
  headers: Dispatcher.ResponseData["headers"];
  text: string;
  /** The messages of JSON-RPC in it, one or those of a stream. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  messages: any[];
}

export interface Asked {
  method?: Dispatcher.HttpMethod;
  /** Sent as JSON; text as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What a client of any revision sends, on a connection of its own. */
export async function open(url: string, { method = "POST", body, headers, signal }: Asked) {
  const agent = new Agent();
  onEnd(() => agent.destroy());
  const { origin, pathname } = new URL(url);
  return agent.request({
    ...{ origin, path: pathname, method },
    headers: {
      accept: "application/json, text/event-stream",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  });
}

export async function ask(url: string, asked: Asked): Promise<Answer> {
  const { statusCode: status, headers, body } = await open(url, asked);
  const text = await body.text();
  return { status, headers, text, messages: messagesIn(text) };
}

/** The messages of a stream, each as it arrives. */
export async function* streamed(body: Dispatcher.ResponseData["body"]) {
  let text = "";
  for await (const chunk of body.setEncoding("utf8")) {
    const frames = `${text}${chunk}`.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) yield* messagesIn(frame);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
function messagesIn(text: string): any[] {
  if (text.startsWith("{")) return [JSON.parse(text)];
  return Array.from(text.matchAll(/^data: (.*)$/gm), ([, data]) => JSON.parse(data as string));
}

/** A request of revision 2026-07-28, whole in itself. */
export function modern(
  method: string,
  params: Record<string, unknown> = {},
  { key, token }: { key?: string; token?: string } = {},
): Asked {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "modern", version: "1" },
    ...(token !== undefined && { progressToken: token }),
  };
  return {
    body: { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } },
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof params.name === "string" && { "mcp-name": params.name }),
      ...bearer(key),
    },
  };
}

/** A call of a tool in revision 2026-07-28. */
export const modernCall = (
  name: string,
  args: object = {},
  how: { key?: string; token?: string } = {},
): Asked => modern("tools/call", { name, arguments: args }, how);

export interface OldSession {
  id: string;
  /** A request in the session, or a notification. */
  asked(message: object, headers?: Record<string, string>): Asked;
}

/** A session of an older revision, begun by hand. */
export async function beginSession(
  url: string,
  { key, revision = "2025-06-18" }: { key?: string; revision?: string } = {},
): Promise<OldSession> {
  const authorization = bearer(key);
  const clientInfo = { name: "old", version: "1" };
  const params = { protocolVersion: revision, capabilities: {}, clientInfo };
  const { headers } = await ask(url, {
    body: { jsonrpc: "2.0", id: 0, method: "initialize", params },
    headers: authorization,
  });
  const id = String(headers["mcp-session-id"]);
  const asked: OldSession["asked"] = (message, more = {}) => ({
    body: { jsonrpc: "2.0", ...message },
    headers: { ...authorization, "mcp-session-id": id, "mcp-protocol-version": revision, ...more },
  });
  await ask(url, asked({ method: "notifications/initialized" }));
  return { id, asked };
}

export const oldCall = (id: number | string, name: string, args: object = {}, token?: string) => ({
  ...{ id, method: "tools/call" },
  params: { name, arguments: args, ...(token !== undefined && { _meta: { progressToken: token } }) },
});

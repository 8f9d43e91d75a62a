import { createMcpHandler, isLegacyRequest, type JSONRPCMessage } from "@modelcontextprotocol/server";
import { OrchestratorError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { McpSettings } from "../core/mcp-settings.ts";
import type { Clock, Logger } from "../core/ports.ts";
import type { ListedTool } from "./define-tool.ts";
import { CallersChanges } from "./http-listening.ts";
import { type HttpExchange, HttpSessions } from "./http-sessions.ts";
import { createMcpServer } from "./server.ts";
import { refusedListening } from "./tasks/listen.ts";

/** How long {@link McpHttp.close} waits for the answers that are in flight. */
const CLOSE_GRACE_MS = 1_000;
/** Clients that leave without a word leave their sessions behind. */
const MOST_SESSIONS = 500;

export interface McpHttp {
  /**
   * Answers one request of any revision. The signal of the request says that its connection is gone.
   *
   * @throws OrchestratorError `overloaded` for a session too many, `draining` once it is closed.
   */
  fetch(request: Request, exchange: HttpExchange): Promise<Response>;
  /** Lets answers that are in flight out, then ends every session and stream. */
  close(): Promise<void>;
}

export interface McpHttpOptions {
  version: string;
  logger: Logger;
  clock: Clock;
  /** All of them unless given. */
  tools?: readonly ListedTool[] | undefined;
  /** Read at each call. */
  settings: () => McpSettings;
  /** Sessions of one caller at once; 500 unless told otherwise. */
  mostSessions?: number;
  /** What each server is made with; a test mounts more on it. */
  createServer?: typeof createMcpServer;
}

/**
 * MCP over Streamable HTTP. Revision 2026-07-28 has no sessions: each request stands for itself. Those before it
 * have, from `initialize` on; their requests without a session stand for themselves as well.
 */
export function createMcpHttp({
  version,
  logger,
  clock,
  tools,
  settings,
  mostSessions,
  createServer = createMcpServer,
}: McpHttpOptions): McpHttp {
  /** Requests that are being answered; as long as they are, their signals work. */
  const open = new Map<Request, HttpExchange>();
  const serverFor = ({ engine }: HttpExchange) => createServer({ engine, version, logger, tools, settings });
  const changes = new CallersChanges();
  const handler = createMcpHandler(
    ({ requestInfo }) => serverFor(open.get(requestInfo as Request) as HttpExchange),
    {
      bus: changes,
      onerror: ({ message }) => logger.warn({ reason: message }, "a request over MCP was refused"),
    },
  );
  const sessions = new HttpSessions({ clock, createServer: serverFor, most: mostSessions ?? MOST_SESSIONS });
  let closed = false;
  return {
    async fetch(request, exchange) {
      if (closed) throw leaving();
      const { body, ended } = exchange;
      const refusal = refusedListening(body as JSONRPCMessage);
      if (refusal) return Response.json(refusal, { status: 400 });
      open.set(request, exchange);
      void ended.then(() => open.delete(request));
      const isLegacy = await isLegacyRequest(request, body);
      return (
        (isLegacy && (await sessions.serve(request, exchange))) ||
        changes.answering(exchange.engine, () =>
          handler.fetch(request, body === undefined ? {} : { parsedBody: body }),
        )
      );
    },
    async close() {
      closed = true;
      const answers = [...open].filter(
        ([{ method }, { body }]) => method === "POST" && !isSubscription(body),
      );
      const grace = new Promise<void>((resolve) => clock.after(CLOSE_GRACE_MS, resolve));
      await Promise.race([Promise.all(answers.map(([, { ended }]) => ended)), grace]);
      await sessions.close();
      await handler.close();
    },
  };
}

/** A stream that goes on until somebody ends it. */
function isSubscription(body: unknown): boolean {
  return isObject(body) && body.method === "subscriptions/listen";
}

function leaving(): OrchestratorError {
  return new OrchestratorError("draining", "This server is shutting down.", {
    action: "Call again in a moment, or call another server.",
    delivery: "not_sent",
  });
}

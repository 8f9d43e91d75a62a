import { randomUUID } from "node:crypto";
import {
  isInitializeRequest,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { OrchestratorError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";

/** A client that comes back later than this begins a new session. */
const IDLE_MS = 12 * 3_600_000;

/** One request over HTTP, from somebody who may make it. */
export interface HttpExchange {
  /** Its body, parsed; the request itself has none. */
  body: unknown;
  /** Whom it is from: a session is answered to nobody else. */
  callerId: string;
  /** The engine as that caller may use it. */
  engine: Engine;
  /** Resolves when its answer is out, or its connection is gone. */
  ended: Promise<void>;
}

export interface HttpSessionsOptions {
  clock: Clock;
  /** Makes the server of a new session. */
  createServer: (exchange: HttpExchange) => Server;
  /** Sessions of one caller at once. */
  most: number;
}

interface Session {
  callerId: string;
  transport: WebStandardStreamableHTTPServerTransport;
  /** Its requests that are being answered, and its streams. */
  open: number;
  /** Ids of requests that share a response with others. */
  batched: Set<unknown>;
  forgetIdle: () => void;
}

/** The sessions of the revisions before 2026-07-28, the one that was used last at the end. */
export class HttpSessions {
  readonly #clock: Clock;
  readonly #createServer: (exchange: HttpExchange) => Server;
  readonly #most: number;
  readonly #sessions = new Map<string, Session>();

  constructor({ clock, createServer, most }: HttpSessionsOptions) {
    this.#clock = clock;
    this.#createServer = createServer;
    this.#most = most;
  }

  /**
   * Answers a request of a session, or one that begins a session; `undefined` for one that has none.
   *
   * @throws OrchestratorError `overloaded` where the caller has too many, and all of them are in use.
   */
  async serve(request: Request, exchange: HttpExchange): Promise<Response | undefined> {
    const id = request.headers.get("mcp-session-id");
    if (id === null)
      return messagesIn(exchange.body).some(isInitializeRequest) ? this.#begin(request, exchange) : undefined;
    const session = this.#sessions.get(id);
    if (session?.callerId !== exchange.callerId) return unknownSession(exchange.body);
    return this.#answer(id, session, request, exchange);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ transport }) => transport.close()));
  }

  async #begin(request: Request, exchange: HttpExchange): Promise<Response> {
    const { callerId } = exchange;
    await this.#makeRoom(callerId);
    const id = randomUUID();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessioninitialized: () => void this.#sessions.set(id, session),
    });
    const session: Session = { callerId, transport, open: 0, batched: new Set(), forgetIdle: () => {} };
    transport.onclose = () => {
      session.forgetIdle();
      this.#sessions.delete(id);
    };
    await this.#createServer(exchange).connect(transport);
    const response = await this.#answer(id, session, request, exchange);
    if (!this.#sessions.has(id)) await transport.close();
    return response;
  }

  async #answer(id: string, session: Session, request: Request, exchange: HttpExchange): Promise<Response> {
    const { transport, batched } = session;
    const messages = messagesIn(exchange.body);
    const ids = messages.length === 1 ? [] : messages.flatMap(({ id }) => id ?? []);
    for (const each of ids) batched.add(each);
    session.forgetIdle();
    session.open += 1;
    void exchange.ended.then(() => {
      for (const each of ids) batched.delete(each);
      session.open -= 1;
      this.#idle(id, session);
    });
    const response = await transport.handleRequest(request, { parsedBody: exchange.body });
    for (const cancelled of messages.flatMap(cancelledBy)) {
      // Nothing follows on its stream any more, and nobody would end it.
      if (!batched.has(cancelled)) transport.closeSSEStream(cancelled);
    }
    return response;
  }

  /** Its time without a request begins, and its place is behind those of the others. */
  #idle(id: string, session: Session): void {
    if (session.open > 0 || !this.#sessions.delete(id)) return;
    this.#sessions.set(id, session);
    session.forgetIdle = this.#clock.after(IDLE_MS, () => void session.transport.close());
  }

  /** The session that its caller has not used for the longest time makes room. */
  async #makeRoom(callerId: string): Promise<void> {
    const theirs = [...this.#sessions.values()].filter((session) => session.callerId === callerId);
    if (theirs.length < this.#most) return;
    const idle = theirs.find(({ open }) => open === 0);
    if (idle) return idle.transport.close();
    throw new OrchestratorError(
      "overloaded",
      `This key has ${this.#most} MCP sessions open, the most allowed, and all of them are in use.`,
      { action: "End one of them with DELETE, or close a client.", delivery: "not_sent" },
    );
  }
}

function messagesIn(body: unknown): Record<string, unknown>[] {
  return [body].flat().filter(isObject);
}

/** The id of the request that a message cancels. */
function cancelledBy({ method, params }: Record<string, unknown>): (string | number)[] {
  if (method !== "notifications/cancelled" || !isObject(params)) return [];
  const { requestId } = params;
  return typeof requestId === "string" || typeof requestId === "number" ? [requestId] : [];
}

/** In the form in which the SDK answers it too. */
function unknownSession(body: unknown): Response {
  const id = isObject(body) && typeof body.method === "string" ? (body.id ?? null) : null;
  const message = "Session not found: it has ended, or the server was started anew. Initialize a new one.";
  return Response.json({ jsonrpc: "2.0", error: { code: -32_001, message }, id }, { status: 404 });
}

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { type GatewaySession, invokeTool, SESSION_TOOLS } from "./gateway-tools.ts";

// An OpenClaw gateway over real sockets, as far as its HTTP goes: statuses, bodies and the order of its
// checks are those that a gateway of version 2026.9.6 gave to curl on 25 November 2026 (test/e2e-openclaw
// runs the real one). Its agent answers with how many turns the user had and what was said last; some
// words in that make it misbehave, see `MOODS`. It refuses request fields that our client has no use for.

const body = z.strictObject({
  model: z.string().optional(),
  messages: z.array(
    z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string().min(1) }),
  ),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
});

/** Words that change what a run does: the first that is found counts. */
const MOODS = [
  "break off",
  "fail midway",
  "fail upstream",
  "fall silent",
  "go slowly",
  "crash early",
] as const;

export interface GatewayServerOptions {
  /** None is needed unless given. */
  token?: string;
  /** Whether chat completions are on. */
  chat?: boolean;
  agents?: string[];
  /** Of those for sessions, which its policy allows. */
  tools?: readonly string[];
  /** What every run of it does, whatever it is told. */
  mood?: (typeof MOODS)[number];
}

export interface GatewayRun {
  headers: IncomingMessage["headers"];
  body: z.output<typeof body>;
  /** Its caller left before the end. */
  left: boolean;
}

export interface GatewayServer {
  url: string;
  /** The runs that were begun. */
  runs: GatewayRun[];
  /** Requests by path, in order. */
  paths: string[];
  /** By key. */
  sessions: Map<string, GatewaySession>;
  /** How often a wrong token came. */
  refused: number;
  /** What `/readyz` says is failing. */
  failing: string[];
  /** It takes nothing new. */
  draining: boolean;
  close(): Promise<void>;
}

export async function gatewayServer(options: GatewayServerOptions = {}): Promise<GatewayServer> {
  const { token, chat = true, agents = ["main"], mood, tools = SESSION_TOOLS } = options;
  const beginning = new Set<string>();
  const gateway = {
    url: "",
    runs: [] as GatewayRun[],
    paths: [] as string[],
    sessions: new Map<string, GatewaySession>(),
    refused: 0,
    failing: [] as string[],
    draining: false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const { runs, sessions } = gateway;

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = `${request.method} ${request.url}`;
    gateway.paths.push(path);
    if (path === "GET /readyz") {
      const failing = gateway.draining ? ["gateway-draining"] : gateway.failing;
      return json(response, failing.length === 0 ? 200 : 503, { ready: failing.length === 0, failing });
    }
    if (gateway.draining) {
      const message = "Gateway is temporarily unavailable while suspending or restarting";
      const error = { message, type: "service_unavailable", code: "gateway_unavailable" };
      return json(response, 503, { error }, { "retry-after": "1" });
    }
    const known = chat ? ["GET /v1/models", "POST /v1/chat/completions"] : [];
    if (![...known, "POST /tools/invoke"].includes(path)) return notFound(response);
    if (gateway.refused >= 10)
      return json(
        response,
        429,
        {
          error: {
            message: "Too many failed authentication attempts. Please try again later.",
            type: "rate_limited",
          },
        },
        { "retry-after": "300" },
      );
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      gateway.refused += 1;
      return json(response, 401, { error: { message: "Unauthorized", type: "unauthorized" } });
    }
    if (request.method === "GET") {
      const ids = ["openclaw", "openclaw/default", ...agents.map((agent) => `openclaw/${agent}`)];
      return json(response, 200, { object: "list", data: ids.map((id) => ({ id, object: "model" })) });
    }
    let raw = "";
    for await (const chunk of request) raw += chunk;
    if (path !== "POST /tools/invoke") return complete(request, response, JSON.parse(raw));
    const invoked = invokeTool(JSON.parse(raw), { sessions, agents, tools });
    json(response, invoked.status, invoked.body);
  }

  async function complete(request: IncomingMessage, response: ServerResponse, sent: unknown): Promise<void> {
    const parsed = body.safeParse(sent);
    if (!parsed.success) return invalid(response, parsed.error.issues[0]?.message ?? "");
    const { model = "openclaw", messages, stream } = parsed.data;
    const named = /^openclaw(?:\/(.+))?$/.exec(model);
    if (!named) return invalid(response, "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`.");
    const agent = request.headers["x-openclaw-agent-id"] ?? named[1] ?? (agents.length === 1 ? "main" : "");
    if (agent === "")
      return invalid(response, "Multiple agents are configured, but this operation has no explicit owner.");
    if (!agents.includes(String(agent))) return invalid(response, `Unknown agent '${agent}'.`);
    const last = messages.at(-1);
    if (last?.role !== "user") return invalid(response, "Missing user message in `messages`.");
    if (!stream) return json(response, 500, { error: { message: "internal error", type: "api_error" } });

    const run = { headers: request.headers, body: parsed.data, left: false };
    runs.push(run);
    response.once("close", () => {
      run.left = !response.writableEnded;
    });
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    });
    const chunk = (delta: object, finish_reason: string | null = null) =>
      send(response, {
        object: "chat.completion.chunk",
        model,
        choices: [{ index: 0, delta, finish_reason }],
      });
    chunk({ role: "assistant" });
    const key = request.headers["x-openclaw-session-key"]?.toString();
    if (key === undefined) return void (await speak(response, { mood, chunk, messages, past: 0 }));
    // Two at once that both begin a session: the later one fails. With several agents, a key must name its own.
    const bare = agents.length > 1 && !key.startsWith(`agent:${agent}:`);
    if (bare || beginning.has(key)) return fail(response, "internal error");
    const session = sessions.get(key) ?? { id: randomUUID(), said: [] };
    if (!sessions.has(key)) beginning.add(key);
    const said = await speak(response, { mood, chunk, messages, past: session.said.length / 2 });
    beginning.delete(key);
    if (said === undefined) return;
    session.said.push({ role: "user", text: last.content }, { role: "assistant", text: said });
    sessions.set(key, session);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  gateway.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return gateway;
}

interface Speech {
  mood: GatewayServerOptions["mood"];
  chunk: (delta: object, finish?: string) => void;
  messages: z.output<typeof body>["messages"];
  /** Turns before these. */
  past: number;
}

/** What it said, if it came to an end. */
async function speak(
  response: ServerResponse,
  { mood: ever, chunk, messages, past }: Speech,
): Promise<string | undefined> {
  const users = messages.filter(({ role }) => role === "user");
  const last = users.at(-1)?.content ?? "";
  const mood = ever ?? MOODS.find((each) => last.includes(each));
  if (mood === "crash early") return void fail(response, "internal error");
  // Eight tries take a real one some 90 s.
  if (mood === "fail upstream") return void fail(response, "upstream provider error");
  const said = `turn ${past + users.length}: ${last}`;
  const words = said.split(/(?= )/);
  for (const [index, content] of words.entries()) {
    chunk({ content });
    if (index < 1) continue;
    if (mood === "break off") return void response.write("\n", () => response.destroy());
    if (mood === "fail midway") return void fail(response, "429 told to fail", "rate_limit_error");
    if (mood === "fall silent") return void (await once(response, "close"));
    if (mood === "go slowly") await sleep(30);
    if (response.destroyed) return undefined;
  }
  chunk({}, "stop");
  const usage = { prompt_tokens: 10, completion_tokens: words.length, total_tokens: 10 + words.length };
  send(response, { object: "chat.completion.chunk", choices: [], usage });
  done(response);
  return said;
}

function send(response: ServerResponse, data: object): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

function done(response: ServerResponse): void {
  response.end("data: [DONE]\n\n");
}

function fail(response: ServerResponse, message: string, type = "api_error"): void {
  send(response, { error: { message, type } });
  done(response);
}

function invalid(response: ServerResponse, message: string): void {
  json(response, 400, { error: { message, type: "invalid_request_error" } });
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("Not Found");
}

function json(response: ServerResponse, status: number, value: object, headers: object = {}): void {
  response
    .writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers })
    .end(JSON.stringify(value));
}

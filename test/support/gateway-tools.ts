import * as z from "zod";

// `POST /tools/invoke` of the gateway in gateway-server.ts, with the tools for sessions: answers as a gateway
// of version 2026.9.6 gave them on 25 November 2026.

export interface GatewaySession {
  id: string;
  said: { role: string; text: string }[];
}

export const SESSION_TOOLS = ["sessions_history", "sessions_list", "sessions"] as const;

const request = z.strictObject({
  tool: z.string(),
  agentId: z.string().optional(),
  args: z.looseObject({ sessionKey: z.string().optional(), limit: z.int().min(1).optional() }),
});

interface Place {
  sessions: Map<string, GatewaySession>;
  agents: readonly string[];
  tools: readonly string[];
}

export function invokeTool(
  sent: unknown,
  { sessions, agents, tools }: Place,
): { status: number; body: object } {
  const { tool, agentId, args } = request.parse(sent);
  const failed = (status: number, type: string, message: string) => ({
    status,
    body: { ok: false, error: { type, message } },
  });
  const done = (details: object) => ({
    status: 200,
    body: { ok: true, result: { content: [{ type: "text", text: JSON.stringify(details) }], details } },
  });
  if (!tools.includes(tool)) return failed(404, "not_found", `Tool not available: ${tool}`);
  if (agents.length > 1 && agentId === undefined)
    return failed(
      400,
      "invalid_request",
      'Multiple agents are configured, but session key "main" has no explicit owner.',
    );
  // A bare key is the only agent's.
  const full = (key: string) => (key.startsWith("agent:") ? key : `agent:main:${key}`);
  const found = [...sessions].find(([key]) => full(key) === full(args.sessionKey ?? ""));
  if (tool === "sessions_list") {
    const like = [...sessions].filter(([key]) => full(key).includes(String(args.search)));
    return done({
      count: like.length,
      sessions: like.map(([key, { id }]) => ({ key: full(key), sessionId: id })),
    });
  }
  if (!found)
    return done({
      status: "error",
      error: `Session not found: ${args.sessionKey} (use the full sessionKey)`,
    });
  const [key, session] = found;
  if (tool === "sessions_history") {
    const messages = session.said.map(({ role, text }, index) => ({
      ...{ role, timestamp: 1_795_623_407_131 + index },
      content:
        role === "user"
          ? text
          : [
              { type: "thinking", thinking: "…" },
              { type: "text", text },
            ],
    }));
    return done({ sessionKey: full(key), messages, truncated: true, droppedMessages: false });
  }
  if (args.action !== "delete" || args.expectedSessionId === undefined)
    return failed(400, "tool_error", "Session lifecycle action requires a durable session identity");
  if (args.expectedSessionId !== session.id) return failed(500, "tool_error", "tool execution failed");
  sessions.delete(key);
  return done({ ok: true, key: full(key), deleted: true });
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AgentCard } from "@a2a-js/sdk";
import {
  type A2ARequestHandler,
  DefaultRequestHandler,
  InMemoryTaskStore,
  type TaskStore,
} from "@a2a-js/sdk/server";
import { agentCardHandler, jsonRpcHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express";
import express from "express";
import { executorOf, type Heard } from "./a2a-executor.ts";

// A real A2A agent: the SDK's own server side over HTTP, with an executor that does what the first word of a message says.

export type Binding = "JSONRPC" | "HTTP+JSON";

export interface AgentOptions {
  bindings?: Binding[];
  version?: "1.0" | "0.3";
  streaming?: boolean;
  /** What it wants as a bearer token, for everything but its card. */
  token?: string;
  inputModes?: string[];
  skills?: { id: string; tags: string[] }[];
  /** Where the agent lives, such as `/agents/a`; its card and its interfaces are below. */
  at?: string;
  port?: number;
  /** Its tasks, which outlive it. */
  tasks?: TaskStore;
}

export interface A2aAgent {
  url: string;
  port: number;
  /** Every message that was executed. */
  heard: Heard[];
  /** The operations that it was asked for, such as `getTask`. */
  asked: string[];
  /** Every HTTP request. */
  requests: Pick<IncomingMessage, "method" | "url" | "headers">[];
  /** Resolves once so many messages have been heard. */
  hasHeard(count: number): Promise<void>;
  /** Lets go of what was told to `hold`. */
  release(): void;
  /** Breaks every connection and ends. */
  close(): Promise<void>;
}

export async function startAgent(options: AgentOptions = {}): Promise<A2aAgent> {
  const {
    bindings = ["JSONRPC"],
    version = "1.0",
    token,
    at = "",
    tasks = new InMemoryTaskStore(),
  } = options;
  const heard: Heard[] = [];
  const requests: A2aAgent["requests"] = [];
  const held = new Set<() => void>();
  const waiting = new Set<() => void>();
  const app = express();
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    requests.push({ method, url, headers });
    app(request, response);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}${at}`;
  const card = cardOf(url, { ...options, bindings, version });
  const onHeard = () => {
    for (const look of waiting) look();
  };
  const asked: string[] = [];
  const requestHandler = recorded(
    new DefaultRequestHandler(card, tasks, executorOf({ heard, held, onHeard })),
    asked,
  );
  const legacyCompat = { enabled: version === "0.3" };
  const common = { requestHandler, legacyCompat, userBuilder: UserBuilder.noAuthentication };
  app.use(
    `${at}/.well-known/agent-card.json`,
    agentCardHandler({ agentCardProvider: requestHandler, legacyCompat }),
  );
  app.use(`${at}/rpc`, guard(token), jsonRpcHandler(common));
  app.use(`${at}/http`, guard(token), restHandler(common));
  return {
    url,
    port,
    heard,
    asked,
    requests,
    hasHeard: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (heard.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    release() {
      for (const letGo of held) letGo();
      held.clear();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function guard(token: string | undefined) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const sent = request.headers.authorization;
    if (token === undefined || sent === `Bearer ${token}`) return next();
    response.writeHead(401, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: `Unauthorized: ${sent ?? "no token"} will not do` }));
  };
}

function cardOf(
  url: string,
  options: AgentOptions & Required<Pick<AgentOptions, "bindings" | "version">>,
): AgentCard {
  const { bindings, version, streaming = true, inputModes = ["text/plain"], skills = [] } = options;
  return {
    name: "Test agent",
    description: "Does as it is told.",
    version: "1.0.0",
    supportedInterfaces: bindings.map((protocolBinding) => ({
      url: url + (protocolBinding === "JSONRPC" ? "/rpc" : "/http"),
      protocolBinding,
      tenant: "",
      protocolVersion: version,
    })),
    provider: undefined,
    capabilities: { streaming, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: inputModes,
    defaultOutputModes: ["text/plain"],
    skills: skills.map((skill) => ({
      ...skill,
      name: skill.id,
      description: "",
      examples: [],
      inputModes: [],
      outputModes: [],
      securityRequirements: [],
    })),
    signatures: [],
  };
}

/** Notes the name of each operation. */
function recorded(handler: A2ARequestHandler, asked: string[]): A2ARequestHandler {
  return new Proxy(handler, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name !== "getAgentCard") asked.push(String(name));
        return value.apply(target, args);
      };
    },
  });
}

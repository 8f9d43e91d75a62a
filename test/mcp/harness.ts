import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Transport } from "@modelcontextprotocol/server";
import { afterEach } from "vitest";
import { systemClock } from "../../src/app/clock.ts";
import { systemIds } from "../../src/app/system.ts";
import type { Instance } from "../../src/core/instance.ts";
import { createEngine, type Engine, type WholeEngine } from "../../src/engine/engine.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { ResourceChanges } from "../../src/mcp/resources/changes.ts";
import { createMcpServer, type McpServerDependencies } from "../../src/mcp/server.ts";
import { serveMcpStdio } from "../../src/mcp/stdio.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { recordingLogger } from "../support/logger.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Has something closed when the test is over. */
export function closing<T extends { close(): Promise<unknown> }>(resource: T): T {
  cleanups.push(() => resource.close());
  return resource;
}

/** An engine by hand, in which nothing changes: each other method that the test does not give is an error. */
export function engineWith(methods: Partial<Engine>): Engine {
  return new Proxy({ watch: () => () => {}, known: undefined, ...methods } as unknown as Engine, {
    get: (given, name) =>
      name in given
        ? given[name as keyof Engine]
        : () => Promise.reject(new Error(`the test's engine has no ${String(name)}`)),
  });
}

/** A real engine on a memory store over these instances. */
export function engineOver(instances: readonly Instance[]): WholeEngine {
  const clock = systemClock;
  const logger = recordingLogger();
  return closing(
    createEngine({
      clock,
      random: Math.random,
      logger,
      ids: systemIds,
      processes: { self: "test", isGone: () => false },
      store: createMemoryStore({ clock }),
      clients: createInstanceClients({ clock, logger, env: {}, fleetKey: () => undefined }),
      configured: () => instances,
      settings: () => ({ timeoutMs: 20_000, waitMs: 10_000, retries: 0, healthIntervalMs: 60_000 }),
    }),
  );
}

/** A server's end of a connection in memory, and the bare other end of it. */
export function serveInMemory(
  engine: Engine,
  options: Pick<McpServerDependencies, "settings" | "tools"> = {},
): InMemoryTransport {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  const logger = recordingLogger();
  const changes = new ResourceChanges(engine);
  closing(
    serveMcpStdio({
      createServer: () => createMcpServer({ engine, version: "1.2.3", logger, changes, ...options }),
      transport: serverSide as Transport,
      onClose() {},
      changes,
      logger,
    }),
  );
  return clientSide;
}

/** The official 1.x client, connected; it holds every answer against the advertised output schema. */
export async function connect(
  engine: Engine,
  options: Pick<McpServerDependencies, "settings" | "tools"> = {},
): Promise<Client> {
  const client = new Client({ name: "test-client", version: "1.0.0" });
  await client.connect(serveInMemory(engine, options));
  await client.listTools();
  return closing(client);
}

export interface Answered {
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  structured: any;
  isError: boolean;
  /** Resources that it links to. */
  links: string[];
}

/** Calls a tool as a client does. */
export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Answered> {
  return read((await client.callTool({ name, arguments: args })) as CallToolResult);
}

export function read({ content, structuredContent, isError = false }: CallToolResult): Answered {
  const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const links = content.flatMap((part) => (part.type === "resource_link" ? [part.uri] : []));
  return { text, structured: structuredContent, isError, links };
}

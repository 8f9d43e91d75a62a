import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Engine } from "../../src/engine/engine.ts";
import type { Tool } from "../../src/mcp/define-tool.ts";
import { serveInMemory } from "./harness.ts";

// A client of revision 2026-07-28 that says no more than the test has it say.

/** What a request of that revision says of its client. */
export function envelope(capabilities: object = {}): Record<string, unknown> {
  return {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": capabilities,
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
  };
}

export const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

export interface Reply {
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  result?: any;
  error?: { code: number; message: string; data?: unknown };
}

export interface RawClient {
  /** Sends a request and waits for its reply, whatever that is. */
  request(method: string, params?: object, capabilities?: object): Promise<Reply>;
  /** Calls a tool; its result, which may be a task. */
  call(name: string, args: object, capabilities?: object): Promise<Reply["result"]>;
  /** Reads a task. */
  task(taskId: string): Promise<Reply["result"]>;
  notifications: { method: string; params?: Record<string, unknown> }[];
  close(): Promise<void>;
}

interface Wire {
  send(message: JSONRPCMessage): unknown;
  /** Called once, with what takes each message. */
  listen(take: (message: JSONRPCMessage) => void): void;
  close(): Promise<void>;
}

/** A client at this end of a wire; its requests declare what it declares, unless one says otherwise. */
export function rawClient(wire: Wire, declared: object = TASKS): RawClient {
  const waiting = new Map<number, (reply: Reply) => void>();
  const notifications: RawClient["notifications"] = [];
  let lastId = 0;
  wire.listen((message) => {
    if ("method" in message) notifications.push(message);
    else waiting.get(message.id as number)?.(message as Reply);
  });
  const request: RawClient["request"] = (method, params = {}, capabilities = declared) => {
    const id = ++lastId;
    const { _meta, ...rest } = params as { _meta?: object };
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      const meta = { ...envelope(capabilities), ..._meta };
      wire.send({ jsonrpc: "2.0", id, method, params: { ...rest, _meta: meta } });
    });
  };
  const resultOf = async (reply: Promise<Reply>) => {
    const { result, error } = await reply;
    if (error) throw new Error(`${error.code} ${error.message}`);
    return result;
  };
  return {
    request,
    call: (name, args, capabilities) =>
      resultOf(request("tools/call", { name, arguments: args }, capabilities)),
    task: (taskId) => resultOf(request("tasks/get", { taskId })),
    notifications,
    close: () => wire.close(),
  };
}

/** One that is connected to a server of this engine, in memory. */
export async function connectRaw(
  engine: Engine,
  declared?: object,
  tools?: readonly Tool[],
): Promise<RawClient> {
  const transport = serveInMemory(engine, { tools });
  const client = rawClient(
    {
      send: (message) => transport.send(message),
      listen: (take) => {
        transport.onmessage = take;
      },
      close: () => transport.close(),
    },
    declared,
  );
  await transport.start();
  return client;
}

import type { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { vi } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { serveInMemory } from "./harness.ts";
import { envelope } from "./raw-client.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read into messages of any shape
type Message = any;

/** A client of revision 2026-07-28 by hand, which listens: what it is told it tells apart by the ids of its requests. */
export class ModernClient {
  readonly #transport: InMemoryTransport;
  readonly received: Message[] = [];
  #lastId = 0;

  constructor(engine: Engine) {
    this.#transport = serveInMemory(engine);
    this.#transport.onmessage = (message) => this.received.push(message);
  }

  /** Sends a request and returns its id. */
  async send(method: string, params: object = {}): Promise<number> {
    const id = ++this.#lastId;
    await this.#transport.send({
      jsonrpc: "2.0",
      id,
      method,
      params: { ...params, _meta: envelope() },
    } as JSONRPCMessage);
    return id;
  }

  /** The result of a request, or its error. */
  async request(method: string, params: object = {}): Promise<Message> {
    const id = await this.send(method, params);
    const answer = await vi.waitFor(() => {
      const found = this.received.find((message) => message.id === id);
      if (!found) throw new Error(`${method} is not answered`);
      return found;
    }, 10_000);
    return answer.result ?? answer.error;
  }

  async notify(method: string, params: object): Promise<void> {
    await this.#transport.send({ jsonrpc: "2.0", method, params } as JSONRPCMessage);
  }

  /** Waits for a notification of this method, after those that were there before. */
  async told(method: string, matches: (params: Message) => boolean = () => true): Promise<Message> {
    return vi.waitFor(() => {
      const found = this.received.find((message) => message.method === method && matches(message.params));
      if (!found) throw new Error(`nothing is told by ${method}`);
      return found.params;
    }, 10_000);
  }
}

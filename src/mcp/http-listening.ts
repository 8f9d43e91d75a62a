import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerEvent, ServerEventBus } from "@modelcontextprotocol/server";
import type { Engine } from "../engine/engine.ts";
import { ResourceChanges } from "./resources/changes.ts";

/**
 * What streams of `subscriptions/listen` are told over HTTP. The SDK opens one while it answers a request: it is
 * told of what the caller of that request may see.
 */
export class CallersChanges implements ServerEventBus {
  readonly #caller = new AsyncLocalStorage<Engine>();

  /** @param engine As the caller may use it. */
  answering<T>(engine: Engine, answer: () => T): T {
    return this.#caller.run(engine, answer);
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    const engine = this.#caller.getStore();
    return engine ? new ResourceChanges(engine).subscribe(listener) : () => {};
  }

  /** Nothing changes for all callers alike. */
  publish(): void {}
}

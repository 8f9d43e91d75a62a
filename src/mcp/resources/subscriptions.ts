import type { Server, ServerEvent, Transport } from "@modelcontextprotocol/server";
import { isObject } from "../../core/json.ts";
import type { ResourceChanges } from "./changes.ts";

/** Sends an event to the client of a connection; one that is gone misses nothing. */
function send(server: Server, event: ServerEvent): void {
  const sent =
    event.kind === "resource_updated"
      ? server.sendResourceUpdated({ uri: event.uri })
      : server.sendResourceListChanged();
  sent.catch(() => {});
}

/**
 * The subscriptions of a client of the 2025 revisions: to single resources, and to the list once it has
 * read that. They end with the connection.
 */
export class Subscriptions {
  readonly #server: Server;
  readonly #changes: ResourceChanges;
  readonly #uris = new Set<string>();
  #hasListed = false;
  #stop: (() => void) | undefined;

  constructor(server: Server, changes: ResourceChanges) {
    this.#server = server;
    this.#changes = changes;
    const before = server.onclose;
    server.onclose = () => {
      before?.();
      this.#stop?.();
    };
  }

  add(uri: string): void {
    this.#uris.add(uri);
    this.#changes.ask([uri]);
    this.#follow();
  }

  delete(uri: string): void {
    this.#uris.delete(uri);
  }

  /** Nobody's list is out of date who has not read it. */
  listed(): void {
    this.#hasListed = true;
    this.#follow();
  }

  #follow(): void {
    this.#stop ??= this.#changes.subscribe((event) => {
      if (event.kind === "resource_updated" ? this.#uris.has(event.uri) : this.#hasListed)
        send(this.#server, event);
    });
  }
}

/** The resources in a request to listen, which nobody has checked yet. */
function listenedFor(params: unknown): string[] {
  const { notifications } = isObject(params) ? params : {};
  const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [];
}

/**
 * Over stdio `subscriptions/listen` is answered before it reaches the server, and what the server sends is
 * passed on to those who listen for it: so from the first one on all changes are sent.
 *
 * @returns what ends it.
 */
export function sendToListeners(
  transport: Transport,
  changes: ResourceChanges,
  server: () => Server | undefined,
): () => void {
  let stop: (() => void) | undefined;
  const deliver = transport.onmessage;
  transport.onmessage = (message, extra) => {
    if ("method" in message && message.method === "subscriptions/listen") {
      changes.ask(listenedFor(message.params));
      stop ??= changes.subscribe((event) => {
        const connected = server();
        if (connected) send(connected, event);
      });
    }
    deliver?.(message, extra);
  };
  return () => stop?.();
}

import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type Server,
  type ServerCapabilities,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Viewer } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { McpSettings } from "../core/mcp-settings.ts";
import type { Logger } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import type { ListedTool } from "./define-tool.ts";
import type { ResourceChanges } from "./resources/changes.ts";
import { Subscriptions } from "./resources/subscriptions.ts";
import { roomFor } from "./room.ts";
import { readUri } from "./uris.ts";

// Resources, prompts and completion. What answers them is loaded when a client first asks.

export const OFFERED: ServerCapabilities = {
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  completions: {},
};

const FOREVER = { ttlMs: 86_400_000, cacheScope: "public" } as const;

/** These are the same for everybody, as long as the server is. */
export const CACHE_HINTS = { "prompts/list": FOREVER, "resources/templates/list": FOREVER };

export interface Offering {
  engine: Engine;
  /** Those that are shown: a prompt that leads to another one is not offered. */
  tools: readonly ListedTool[];
  logger: Logger;
  /** What clients can be told of. */
  changes: ResourceChanges;
  settings: () => McpSettings | Promise<McpSettings>;
  /** What of the runs and sessions whoever makes a request may see. */
  viewerOf(context: ServerContext): Viewer;
}

/** Answers a client's requests for resources, prompts and completion. */
export function offer(
  server: Server,
  { engine, tools, logger, changes, settings, viewerOf }: Offering,
): void {
  const told = <T>(answer: Promise<T>): Promise<T> => answer.catch((thrown) => refuse(thrown, logger));

  const subscriptions = offerSubscriptions(server, changes);

  server.setRequestHandler("resources/list", async ({ params }, context) => {
    checkCursor(params?.cursor);
    if (isToldUnasked(server)) subscriptions.listed();
    const { listResources } = await import("./offered.ts");
    return { resources: await told(listResources(engine, viewerOf(context))) };
  });
  server.setRequestHandler("resources/templates/list", async ({ params }) => {
    checkCursor(params?.cursor);
    const { TEMPLATES } = await import("./offered.ts");
    return { resourceTemplates: [...TEMPLATES] };
  });
  server.setRequestHandler("resources/read", async ({ params }, context) => {
    const { readResource } = await import("./offered.ts");
    return told(readResource(engine, params.uri, roomFor(await settings()), viewerOf(context)));
  });
  server.setRequestHandler("prompts/list", async ({ params }) => {
    checkCursor(params?.cursor);
    const { promptsFor } = await import("./offered.ts");
    return { prompts: promptsFor(tools).map(({ advertised }) => advertised) };
  });
  server.setRequestHandler("prompts/get", async ({ params }) => {
    const { promptNamed, promptsFor } = await import("./offered.ts");
    return promptNamed(params.name, promptsFor(tools)).get(params.arguments ?? {});
  });
  server.setRequestHandler("completion/complete", async ({ params }, context) => {
    const { complete } = await import("./offered.ts");
    return told(complete(params, { engine, viewer: viewerOf(context) }));
  });
}

/** Has clients of the 2025 revisions subscribe to single resources. */
function offerSubscriptions(server: Server, changes: ResourceChanges): Subscriptions {
  const subscriptions = new Subscriptions(server, changes);
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    if (!readUri(uri)) throw new ResourceNotFoundError(uri, `There is no resource ${uri.slice(0, 200)}.`);
    if (!isToldUnasked(server)) {
      const message = "A subscription needs a session to be told in: begin with initialize.";
      throw new ProtocolError(ProtocolErrorCode.InvalidRequest, message);
    }
    subscriptions.add(uri);
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
  return subscriptions;
}

/**
 * Whether the client of a connection is told of changes as they happen. Those of 2026-07-28 say so with
 * `subscriptions/listen`; where a request over HTTP stands for itself, there is nobody to tell.
 */
function isToldUnasked(server: Server): boolean {
  const revision = revisionOf(server);
  return revision !== "" && revision < "2026";
}

/** The revision that a client speaks, such as `2025-06-18`; `""` while it is not known. */
export function revisionOf(server: Server): string {
  return server.getNegotiatedProtocolVersion() ?? "";
}

/** Every list is one page. */
export function checkCursor(cursor: string | undefined): void {
  // Some clients begin with an empty one.
  if (!cursor) return;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, "This list has no further page.");
}

/** An error of ours as one of the protocol, which has two codes for all of them. */
function refuse(thrown: unknown, logger: Logger): never {
  if (thrown instanceof ProtocolError) throw thrown;
  const { code, message, action } = OrchestratorError.from(thrown);
  if (code === "internal") logger.error({ err: thrown }, "a request for resources broke off");
  const kind = code === "bad_request" ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
  throw new ProtocolError(kind, `${code}: ${message} → ${action}`);
}

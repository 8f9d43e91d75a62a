import type { Server, Transport } from "@modelcontextprotocol/server";
import { type StdioServerHandle, serveStdio } from "@modelcontextprotocol/server/stdio";
import { Cancellation } from "../core/cancellation.ts";
import type { Logger } from "../core/ports.ts";
import type { ResourceChanges } from "./resources/changes.ts";
import { sendToListeners } from "./resources/subscriptions.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { refusedListening } from "./tasks/listen.ts";

export interface McpStdioOptions {
  /**
   * Makes the server of the connection, once its client has shown which revision it speaks.
   *
   * @param inputEnded Cancelled when the client may be gone, though answers are still written.
   */
  createServer: (inputEnded: Cancellation) => Server;
  /** What clients of revision 2026-07-28 may listen for. */
  changes: ResourceChanges;
  /** The client is gone: it closed our stdin, or reads our stdout no more. Called once. */
  onClose: () => void;
  logger: Logger;
  /** The process's own stdin and stdout unless given. */
  transport?: Transport;
}

/** Serves MCP on stdin and stdout to one client, of the 2026-07-28 revision or an older one. */
export function serveMcpStdio({
  createServer,
  changes,
  onClose,
  logger,
  transport = new StdioTransport(),
}: McpStdioOptions): StdioServerHandle {
  let server: Server | undefined;
  const serve = () => {
    server = createServer(transport instanceof StdioTransport ? transport.inputEnded : new Cancellation());
    return server;
  };
  const handle = serveStdio(serve, {
    transport,
    onerror: (error) => logger.warn({ err: error }, "a message on stdin or stdout was lost"),
  });
  const stopSending = sendToListeners(transport, changes, () => server);
  const take = transport.onmessage;
  transport.onmessage = (message) => {
    const refusal = refusedListening(message);
    if (refusal) void transport.send(refusal).catch(() => {});
    else take?.(message);
  };
  const closeConnection = transport.onclose;
  transport.onclose = () => {
    closeConnection?.();
    stopSending();
    onClose();
  };
  return handle;
}

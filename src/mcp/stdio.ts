import type { Server } from "@modelcontextprotocol/server";
import { type StdioServerHandle, StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "../core/ports.ts";
import { refusedListening } from "./tasks/listen.ts";

export interface McpStdioOptions {
  /** Makes the server of the connection, once its client has shown which revision it speaks. */
  createServer: () => Server;
  /** The client is gone: it closed our stdin, or reads our stdout no more. Called once. */
  onClose: () => void;
  logger: Logger;
}

/** Serves MCP on stdin and stdout to one client, of the 2026-07-28 revision or an older one. */
export function serveMcpStdio({ createServer, onClose, logger }: McpStdioOptions): StdioServerHandle {
  const transport = new StdioServerTransport();
  const handle = serveStdio(createServer, {
    transport,
    onerror: (error) => logger.warn({ err: error }, "a message on stdin or stdout was lost"),
  });
  const take = transport.onmessage;
  transport.onmessage = (message) => {
    const refusal = refusedListening(message);
    if (refusal) void transport.send(refusal).catch(() => {});
    else take?.(message);
  };
  const closeConnection = transport.onclose;
  transport.onclose = () => {
    closeConnection?.();
    onClose();
  };
  return handle;
}

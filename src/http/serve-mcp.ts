import { listen } from "../server/listen.ts";
import { addHealthCheck } from "./health-check.ts";
import { addMcp, MCP_PATH, type McpRouteOptions } from "./mcp-route.ts";
import { type OpenServerOptions, openServer } from "./open-server.ts";
import type { Served } from "./serve.ts";

export interface ServeMcpOptions extends OpenServerOptions, Omit<McpRouteOptions, "draining"> {
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  version: string;
}

/**
 * Serves MCP alone, and a health check.
 * @throws OrchestratorError as `listen` does.
 */
export async function serveMcp(options: ServeMcpOptions): Promise<Served & { url: string }> {
  const { logger, version } = options;
  let isDraining = false;
  const draining = () => isDraining;
  const server = await openServer(options);
  addHealthCheck(server, draining, () => ({ role: "mcp", version }));
  addMcp(server, { ...options, draining });
  const origin = await listen(server, options);
  const url = origin + MCP_PATH;
  logger.info({ url }, "the MCP server is listening");
  return {
    origin,
    url,
    drain() {
      isDraining = true;
    },
    close: () => server.close(),
  };
}

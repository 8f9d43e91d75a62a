import { DEFAULT_MCP_SETTINGS } from "../core/mcp-settings.ts";
import type { McpEndpoint } from "../http/mcp-route.ts";
import type { ListedTool } from "../mcp/define-tool.ts";
import type { McpHttp } from "../mcp/http.ts";
import type { App } from "./app.ts";
import { systemClock } from "./clock.ts";

/** MCP over HTTP, loaded when somebody first speaks it; with all tools unless some are given. */
export function mcpEndpoint(
  { logger, config }: App,
  version: string,
  tools?: readonly ListedTool[],
): McpEndpoint {
  let loaded: Promise<McpHttp> | undefined;
  const load = async () => {
    const { createMcpHttp } = await import("../mcp/http.ts");
    const settings = () => config.known?.mcp ?? DEFAULT_MCP_SETTINGS;
    return createMcpHttp({ version, logger, tools, settings, clock: systemClock });
  };
  return {
    async fetch(request, exchange) {
      loaded ??= load();
      return (await loaded).fetch(request, exchange);
    },
    close: async () => (await loaded)?.close(),
  };
}

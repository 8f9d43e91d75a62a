import type { Running } from "../cli/actions.ts";
import type { McpEndpoint } from "../http/mcp-route.ts";
import { serveMcp } from "../http/serve-mcp.ts";
import { chooseTools, type ToolChoice } from "../mcp/choose-tools.ts";
import { type App, createApp, type Env } from "./app.ts";
import { mcpEndpoint } from "./mcp-endpoint.ts";
import { registerSkill, UNREGISTERED } from "./register-skill.ts";
import { serverGuards } from "./server-guards.ts";

export interface McpHttpOptions extends ToolChoice {
  config?: string | undefined;
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  version: string;
  env?: Env;
  /** What answers, where that is not the chosen tools: a test has more of them. */
  endpoint?: (app: App) => McpEndpoint;
}

/** Starts the MCP server over HTTP alone; it registers with the cluster and polls the fleet in the background. */
export async function startMcpHttp({
  config: named,
  host,
  port,
  version,
  env = process.env,
  endpoint,
  ...choice
}: McpHttpOptions): Promise<Running & { url: string }> {
  const tools = chooseTools(choice);
  let registered = UNREGISTERED;
  const app = createApp({
    config: named,
    env,
    onConfig: ({ clusterUrl }) => (registered = registerSkill(app, registered, clusterUrl)),
  });
  try {
    const { config, engine, logger } = app;
    const { clusterUrl } = config.current();
    const served = await serveMcp({
      ...{ host, port, version, engine, logger, ...serverGuards(app) },
      mcp: endpoint?.(app) ?? mcpEndpoint(app, version, tools),
    });
    engine.start();
    registered = registerSkill(app, registered, clusterUrl);
    return {
      url: served.url,
      async stop(graceMs) {
        served.drain();
        await registered.close();
        await app.close(graceMs);
        await served.close();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}

import type { Running } from "../cli/actions.ts";
import { DEFAULT_MCP_SETTINGS } from "../core/mcp-settings.ts";
import { chooseTools, type ToolChoice } from "../mcp/choose-tools.ts";
import { canWatch, ResourceChanges } from "../mcp/resources/changes.ts";
import { createMcpServer } from "../mcp/server.ts";
import { serveMcpStdio } from "../mcp/stdio.ts";
import { createApp, type Env } from "./app.ts";
import { registerSkill, UNREGISTERED } from "./register-skill.ts";
import { systemClock } from "./system.ts";

/** First the client gets its list of tools; then we look around. */
const SETTLE_MS = 100;

/** Starts the MCP server on stdio; it registers with the cluster and polls the fleet in the background. */
export function startMcp({
  config,
  version,
  env = process.env,
  ...choice
}: ToolChoice & {
  config?: string;
  version: string;
  env?: Env;
}): Running {
  const tools = chooseTools(choice);
  let registered = UNREGISTERED;
  const app = createApp({
    config,
    env,
    logLevel: "warn",
    onConfig: ({ clusterUrl }) => (registered = registerSkill(app, registered, clusterUrl)),
  });
  let clientGone = () => {};
  const ended = new Promise<void>((resolve) => {
    clientGone = resolve;
  });
  const { engine, logger } = app;
  const changes = canWatch(engine) ? new ResourceChanges(engine) : undefined;
  const settings = () => app.config.known?.mcp ?? DEFAULT_MCP_SETTINGS;
  const server = serveMcpStdio({
    createServer: () => createMcpServer({ engine, version, logger, tools, settings, changes }),
    changes,
    onClose: () => clientGone(),
    logger,
  });
  const cancelStart = systemClock.after(SETTLE_MS, () => {
    app.engine.start();
    if (!app.config.error) registered = registerSkill(app, registered, app.config.current().clusterUrl);
  });
  return {
    ended,
    interrupt: () => app.engine.cancelAll("The server was interrupted (Ctrl-C)."),
    async stop(graceMs) {
      cancelStart();
      await server.close();
      await registered.close();
      await app.close(graceMs);
    },
  };
}

import type { Running } from "../cli/actions.ts";
import { chooseTools, createMcpServer, serveMcpStdio, type ToolChoice } from "../mcp/parts.ts";
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
  const server = serveMcpStdio({
    createServer: () => createMcpServer({ engine: app.engine, version, logger: app.logger, tools }),
    onClose: () => clientGone(),
    logger: app.logger,
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

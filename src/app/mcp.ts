import type { Running } from "../cli/actions.ts";
import { type ClusterRegistration, createRegistration } from "../cluster/client.ts";
import type { Config } from "../config/config.ts";
import { createMcpServer } from "../mcp/server.ts";
import { serveMcpStdio } from "../mcp/stdio.ts";
import { type App, createApp, type Env } from "./app.ts";
import { systemClock } from "./system.ts";

/** First the client gets its list of tools; then we look around. */
const SETTLE_MS = 100;

/** Starts the MCP server on stdio; it registers with the cluster and polls the fleet in the background. */
export function startMcp({
  config,
  version,
  env = process.env,
}: {
  config?: string;
  version: string;
  env?: Env;
}): Running {
  let registered: Registered = { close: async () => {} };
  const app = createApp({
    config,
    env,
    logLevel: "warn",
    onConfig: (changed) => (registered = registerAnew(app, registered, changed)),
  });
  let clientGone = () => {};
  const ended = new Promise<void>((resolve) => {
    clientGone = resolve;
  });
  const server = serveMcpStdio({
    createServer: () => createMcpServer({ engine: app.engine, version, logger: app.logger }),
    onClose: () => clientGone(),
    logger: app.logger,
  });
  const cancelStart = systemClock.after(SETTLE_MS, () => {
    app.engine.start();
    if (!app.config.error) registered = registerAnew(app, registered, app.config.current());
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

interface Registered {
  url?: string | undefined;
  close(): Promise<void>;
}

/** Registers this skill with the configured cluster; a change of cluster moves the registration. */
function registerAnew(app: App, before: Registered, { clusterUrl }: Config): Registered {
  if (before.url === clusterUrl) return before;
  void before.close();
  if (clusterUrl === undefined) return { close: async () => {} };
  const registration: ClusterRegistration = createRegistration({
    url: clusterUrl,
    body: { skillId: "orchestrator" },
    apiKey: app.keys.apiKey,
    clock: systemClock,
    random: Math.random,
    logger: app.logger,
  });
  registration.start();
  return { url: clusterUrl, close: () => registration.close() };
}

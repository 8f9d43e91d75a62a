import { type App, createApp, type Env } from "./app.ts";
import { registerSkill, UNREGISTERED } from "./register-skill.ts";

export interface McpApp extends App {
  /** Polls the fleet, takes up what other processes left, and registers with the cluster. */
  begin(): void;
}

/** What an MCP server works with, loaded when it is first needed. */
export function openMcpApp({ config, env }: { config?: string | undefined; env: Env }): McpApp {
  let registered = UNREGISTERED;
  const app = createApp({
    config,
    env,
    logLevel: "warn",
    onConfig: ({ clusterUrl }) => (registered = registerSkill(app, registered, clusterUrl)),
  });
  return {
    ...app,
    begin() {
      app.engine.start();
      if (!app.config.error) registered = registerSkill(app, registered, app.config.current().clusterUrl);
    },
    async close(graceMs) {
      await registered.close();
      await app.close(graceMs);
    },
  };
}

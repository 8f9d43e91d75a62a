import { onTestFinished } from "vitest";
import type { App, Env } from "../../../src/app/app.ts";
import { systemClock } from "../../../src/app/clock.ts";
import { startMcpHttp } from "../../../src/app/mcp-http.ts";
import { createMcpHttp } from "../../../src/mcp/http.ts";
import { createMcpServer } from "../../../src/mcp/server.ts";
import { TOOLS } from "../../../src/mcp/tools/index.ts";
import { CONTENT_TOOLS } from "./contents.ts";
import { mountTools } from "./mount.ts";
import { mountPrompts, mountResources } from "./offers.ts";
import { ASKING_TOOLS } from "./questions.ts";
import { WORKING_TOOLS } from "./work.ts";

const version = "0.0.0-conformance";

/** What `orchestrator mcp --http 0` starts, with the suite's fixtures beside ours; its URL. */
export async function startConformanceServer(env: Env): Promise<string> {
  const quiet = { ...env, ORCHESTRATOR_LOG_LEVEL: "error" };
  const server = await startMcpHttp({ host: "127.0.0.1", port: 0, version, env: quiet, endpoint });
  onTestFinished(() => server.stop(0));
  return server.url;
}

function endpoint({ logger, config }: App) {
  return createMcpHttp({
    ...{ version, logger, clock: systemClock, tools: [...TOOLS, ...WORKING_TOOLS] },
    settings: () => config.current().mcp,
    createServer(dependencies) {
      const server = createMcpServer(dependencies);
      mountTools(server, [...CONTENT_TOOLS, ...ASKING_TOOLS]);
      mountResources(server);
      mountPrompts(server);
      return server;
    },
  });
}

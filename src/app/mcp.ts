import type { Running } from "../cli/actions.ts";
import { DEFAULT_MCP_SETTINGS } from "../core/mcp-settings.ts";
import { chooseTools, type ToolChoice } from "../mcp/choose-tools.ts";
import { ResourceChanges } from "../mcp/resources/changes.ts";
import { createMcpServer } from "../mcp/server.ts";
import { serveMcpStdio } from "../mcp/stdio.ts";
import { systemClock } from "./clock.ts";
import { lazyEngine, lazyLogger } from "./lazy-engine.ts";
import type { McpApp } from "./mcp-app.ts";

/** First the client gets its list of tools; then we look around. */
const SETTLE_MS = 50;
/** A client that does not ask for the list may never do so. */
const LATEST_MS = 1_000;

/**
 * Starts the MCP server on stdio. All but the protocol and the list of tools is loaded when it is needed: by the
 * first call, or once the list is out; then it registers with the cluster and polls the fleet in the background.
 */
export function startMcp({
  config,
  version,
  env = process.env,
  ...choice
}: ToolChoice & {
  config?: string | undefined;
  version: string;
  env?: Record<string, string | undefined>;
}): Running {
  const tools = chooseTools(choice);
  let opened: Promise<McpApp> | undefined;
  const open = () => {
    opened ??= import("./mcp-app.ts").then(({ openMcpApp }) => openMcpApp({ config, env }));
    return opened;
  };
  const engine = lazyEngine(async () => (await open()).engine);
  const logger = lazyLogger(async () => (await open()).logger);
  const changes = new ResourceChanges(engine);
  const settings = async () => (await open()).config.known?.mcp ?? DEFAULT_MCP_SETTINGS;

  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    void open().then((app) => app.begin());
  };
  let cancelStart = systemClock.after(LATEST_MS, begin);
  const onListed = () => {
    cancelStart();
    cancelStart = systemClock.after(SETTLE_MS, begin);
  };

  let clientGone = () => {};
  const ended = new Promise<void>((resolve) => {
    clientGone = resolve;
  });
  const server = serveMcpStdio({
    createServer: (inputEnded) =>
      createMcpServer({ inputEnded, engine, version, logger, tools, settings, changes, onListed }),
    changes,
    onClose: () => clientGone(),
    logger,
  });
  return {
    ended,
    interrupt: async () => (await opened)?.engine.cancelAll("The server was interrupted (Ctrl-C)."),
    async stop(graceMs) {
      cancelStart();
      await server.close();
      await (await opened)?.close(graceMs);
    },
  };
}

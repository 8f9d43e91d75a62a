import type { Running } from "../cli/actions.ts";
import { OrchestratorClient } from "../client/client.ts";
import { OrchestratorError } from "../core/errors.ts";
import { chooseTools, type ToolChoice } from "../mcp/choose-tools.ts";
import { remoteEngine } from "../mcp/remote-engine.ts";
import { ResourceChanges } from "../mcp/resources/changes.ts";
import { createMcpServer } from "../mcp/server.ts";
import { serveMcpStdio } from "../mcp/stdio.ts";
import { type Env, keysOf } from "./app.ts";
import { systemClock } from "./clock.ts";
import { createLogger } from "./logger.ts";

/** Starts the MCP server on stdio with the engine of a running `orchestrator serve`, whose work outlives it. */
export function startMcpProxy({
  url,
  version,
  env = process.env,
  ...choice
}: ToolChoice & {
  url: string;
  version: string;
  env?: Env;
}): Running {
  const tools = chooseTools(choice);
  const logger = createLogger(env, "warn");
  const engine = remoteEngine(() => connect(url, keysOf(env).apiKey()), systemClock);
  const changes = new ResourceChanges(engine);
  let clientGone = () => {};
  const ended = new Promise<void>((resolve) => {
    clientGone = resolve;
  });
  const server = serveMcpStdio({
    createServer: (inputEnded) => createMcpServer({ inputEnded, engine, version, logger, tools, changes }),
    changes,
    onClose: () => clientGone(),
    logger,
  });
  return {
    ended,
    async stop() {
      await server.close();
      await engine.close();
    },
  };
}

/** @throws OrchestratorError `bad_request` for what is no URL: the list of tools is there all the same. */
function connect(url: string, apiKey: string | undefined): OrchestratorClient {
  try {
    return new OrchestratorClient({ url, apiKey, confirmsAll: true });
  } catch (thrown) {
    const { code, details } = OrchestratorError.from(thrown);
    throw new OrchestratorError(
      code,
      "The server's URL, of --url or ORCHESTRATOR_URL, is no URL of a server.",
      {
        action: "Have the MCP server started with one such as http://127.0.0.1:7411.",
        delivery: "not_sent",
        details,
        cause: thrown,
      },
    );
  }
}

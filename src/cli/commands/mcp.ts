import { Command, Option } from "commander";
import { OrchestratorError } from "../../core/errors.ts";
import type { Actions, Running, ToolChoice } from "../actions.ts";
import type { ConnectionOptions } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { usage } from "../flags.ts";
import { configOption, readPort } from "../options.ts";
import { printJson, say } from "../output.ts";
import { runUntilStopped } from "../run-until-stopped.ts";
import { connectionOf } from "../use-orchestrator.ts";

interface Options extends ConnectionOptions {
  tools?: string[];
  readOnly?: boolean;
  http?: number;
  host?: string;
}

/** `orchestrator mcp` */
export const mcpCommand: CommandBuilder = (actions, exit) =>
  new Command("mcp")
    .description("the MCP server on stdio, as without any arguments, or over HTTP")
    .addOption(configOption())
    .option("--tools <names...>", "show only these tools, such as health delegate fanout")
    .option("--read-only", "show only tools that change nothing anywhere")
    .option(
      "--url <url>",
      "stdio: a running `orchestrator serve`, whose work outlives the client; default $ORCHESTRATOR_URL",
    )
    .addOption(
      new Option(
        "--http <port>",
        "Streamable HTTP on this port, 0 for the kernel's choice, in place of stdio",
      ).argParser(readPort),
    )
    .option(
      "--host <address>",
      "with --http: address to listen on; beyond loopback a key is required (default: 127.0.0.1)",
    )
    .addHelpText(
      "after",
      `
Examples:
  orchestrator mcp --config config.json
  orchestrator mcp --tools health delegate fanout runs_get
  orchestrator mcp --url http://127.0.0.1:7411
  orchestrator mcp --http 7412`,
    )
    .action(async (options: Options) => {
      const start = options.http === undefined ? onStdio : overHttp;
      exit(await runUntilStopped(await start(actions, options)));
    });

async function onStdio(actions: Actions, options: Options): Promise<Running> {
  if (options.host !== undefined) throw usage("--host is for --http: stdio listens nowhere.");
  return actions.mcp({ ...choiceOf(options), ...placeOf(options) });
}

/** What is wrong with the variable each tool says: a server that does not start tells its client nothing. */
function placeOf({ config, url }: Options): ConnectionOptions {
  if (config !== undefined || url !== undefined)
    return connectionOf({ ...(config !== undefined && { config }), ...(url !== undefined && { url }) });
  const place = process.env.ORCHESTRATOR_URL;
  return place ? { url: place } : {};
}

async function overHttp(actions: Actions, options: Options): Promise<Running> {
  const { config, url, http = 0, host = "127.0.0.1" } = options;
  if (url !== undefined)
    throw usage("--http serves the engine here, and --url has one elsewhere: give one of them.");
  const place = { host, port: http, ...(config !== undefined && { config }) };
  const running = await actions.mcpHttp({ ...choiceOf(options), ...place }).catch((thrown: unknown) => {
    const error = OrchestratorError.from(thrown);
    // Here the port has another name.
    throw error.with({ action: error.action.replace("--port", "--http") });
  });
  if (process.stdout.isTTY) say(`The MCP server listens at ${running.url}. Ctrl-C stops it.`);
  else printJson({ event: "ready", url: running.url, pid: process.pid });
  return running;
}

function choiceOf({ tools, readOnly = false }: Options): ToolChoice {
  return { only: tools?.flatMap((name) => name.split(",")).filter(Boolean), readOnly };
}

import {
  type CallToolResult,
  type ClientCapabilities,
  type InputRequiredResult,
  ProtocolError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { McpSettings } from "../core/mcp-settings.ts";
import type { Logger } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import { callContext } from "./call-context.ts";
import { confirmedBy, questionOf } from "./confirm.ts";
import type { ListedTool, Tool } from "./define-tool.ts";
import { toErrorResult } from "./respond.ts";
import { answerCall } from "./tasks/answer-call.ts";
import { TOOLS } from "./tools/index.ts";

/** What a client of the 2025 era said of itself when it connected; a newer one says it with each request. */
interface Client {
  name: string | undefined;
  capabilities: ClientCapabilities | undefined;
}

interface Caller {
  engine: Engine;
  logger: Logger;
  client: Client;
  settings: McpSettings;
  /** Cancelled when the client may be gone: a call that is open then is kept for the identical one. */
  inputEnded?: Cancellation | undefined;
}

/** Answers a call of a tool that is listed; whatever goes wrong with the work is a result too. */
export async function callTool(
  { engine, logger, client, settings, inputEnded }: Caller,
  { tool, sent }: { tool: ListedTool; sent: Record<string, unknown> },
  context: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  let open = true;
  let mindNoMore = () => {};
  try {
    const call = whole(tool).prepare({ ...sent, ...confirmedBy(context) }, settings);
    const caller = callContext(context, client.name, () => open);
    mindNoMore = inputEnded?.onCancel(() => caller.gone.cancel()) ?? mindNoMore;
    const answered = answerCall({ engine, logger }, call, { context: caller, mcp: context });
    return (await answered) as CallToolResult;
  } catch (thrown) {
    if (thrown instanceof ProtocolError) throw thrown;
    const error = OrchestratorError.from(thrown);
    const question = questionOf(error, context, client.capabilities);
    if (question) return question;
    if (error.code === "internal") logger.error({ err: thrown, tool: tool.name }, "a tool call broke off");
    return toErrorResult(error);
  } finally {
    mindNoMore();
    open = false;
  }
}

function whole(tool: ListedTool | Tool): Tool {
  return "prepare" in tool ? tool : (TOOLS.find(({ name }) => name === tool.name) as Tool);
}

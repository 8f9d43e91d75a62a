import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { OrchestratorError } from "../core/errors.ts";

// Asking the person behind a client, where it can: in revision 2026-07-28 the question is the answer to the
// call, which is then made again with what was said; with older clients the SDK asks and calls again itself.

const KEY = "confirm";

/** The question that a refused call comes to, where it is one and the client can ask it. */
export function questionOf(
  error: OrchestratorError,
  context: ServerContext,
  declared: ClientCapabilities | undefined,
): InputRequiredResult | undefined {
  if (error.details?.confirm === undefined || !canAsk(context, declared)) return undefined;
  return inputRequired({
    inputRequests: {
      [KEY]: inputRequired.elicit({
        message: `${error.message.replace(/^\w+: /, "")} The task goes to each of them.`,
        requestedSchema: {
          type: "object",
          properties: { confirm: { type: "boolean", title: "Send it to all of them", default: false } },
          required: ["confirm"],
        },
      }),
    },
  });
}

/**
 * What the person has said to the question; nothing where none was asked.
 *
 * @throws OrchestratorError `cancelled`, not sent, where it was no yes.
 */
export function confirmedBy({ mcpReq }: ServerContext): { confirmed?: true } {
  const said = inputResponse(mcpReq.inputResponses, KEY);
  if (said.kind === "missing") return {};
  if (said.kind === "elicit" && said.action === "accept" && said.content?.confirm === true)
    return { confirmed: true };
  throw new OrchestratorError("cancelled", "Nothing was sent: the person did not confirm it.", {
    delivery: "not_sent",
    action: "Name the instances that are needed.",
  });
}

function canAsk({ mcpReq }: ServerContext, declared: ClientCapabilities | undefined): boolean {
  const envelope: { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } | undefined = mcpReq.envelope;
  return (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? declared)?.elicitation !== undefined;
}

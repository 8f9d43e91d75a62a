import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  MissingRequiredClientCapabilityError,
  PROTOCOL_VERSION_META_KEY,
  type ServerContext,
} from "@modelcontextprotocol/server";

// The Tasks extension of revision 2026-07-28, of which the SDK has nothing but the routing headers: a
// client that declares it may be answered with a task in place of a tool's result.

const TASKS = "io.modelcontextprotocol/tasks";

/** As both sides declare it. */
export const TASKS_EXTENSION = { [TASKS]: {} };

/** Whether this very request says that its client takes tasks; what earlier ones said does not count. */
export function declaresTasks({ mcpReq }: Pick<ServerContext, "mcpReq">): boolean {
  return takesTasks(mcpReq.envelope);
}

/** @param meta The `_meta` of a request. */
export function takesTasks(meta: object | undefined): boolean {
  const envelope: Envelope = meta ?? {};
  if (envelope[PROTOCOL_VERSION_META_KEY] === undefined) return false;
  return envelope[CLIENT_CAPABILITIES_META_KEY]?.extensions?.[TASKS] !== undefined;
}

interface Envelope {
  [PROTOCOL_VERSION_META_KEY]?: string;
  [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
}

/** Answers a request that only a client of the extension may make: `-32021`. */
export function tasksMissing(what: string): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError(
    { requiredCapabilities: { extensions: TASKS_EXTENSION } },
    `${what} needs the extension ${TASKS}: declare it in the clientCapabilities of the request.`,
  );
}

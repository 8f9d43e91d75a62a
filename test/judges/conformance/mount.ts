import type {
  CallToolResult,
  InputRequiredResult,
  JSONRPCRequest,
  Result,
  Server,
  ServerContext,
  Tool,
} from "@modelcontextprotocol/server";

export type Answer = CallToolResult | InputRequiredResult;

/** A tool of the suite that answers what no tool of ours does, and so past our own. */
export interface RawTool extends Tool {
  /** @param own Calls the tool of this name among those that our server has, with other arguments. */
  call(context: ServerContext, own: (args: object) => Promise<Answer>): Answer | Promise<Answer>;
}

export const rawTool = (name: string, call: RawTool["call"]): RawTool => ({
  ...{ name, description: "A fixture of the conformance suite." },
  inputSchema: { type: "object" },
  call,
});

type Handler = (request: JSONRPCRequest, context: ServerContext) => Promise<Result>;

/** What a server does with a method by itself. */
export function ownHandler<R>(server: Server, method: string) {
  const inside = server as unknown as { _getRequestHandler(method: string): Handler };
  const handler = inside._getRequestHandler(method);
  return (request: object, context: ServerContext) =>
    handler(request as JSONRPCRequest, context) as Promise<R>;
}

/** Puts such tools beside those that a server has. */
export function mountTools(server: Server, tools: readonly RawTool[]): void {
  const ownList = ownHandler<{ tools: Tool[] }>(server, "tools/list");
  const ownCall = ownHandler<Answer>(server, "tools/call");
  const listed = tools.map(({ call: _, ...tool }) => tool);
  server.setRequestHandler("tools/list", async (request, context) => {
    const own = (await ownList(request, context)).tools;
    return { tools: [...own.filter(({ name }) => !tools.some((tool) => tool.name === name)), ...listed] };
  });
  server.setRequestHandler("tools/call", async (request, context) => {
    const { params } = request;
    const tool = tools.find(({ name }) => name === params.name);
    if (!tool) return ownCall(request, context);
    return tool.call(context, (args) =>
      ownCall({ ...request, params: { ...params, arguments: args } }, context),
    );
  });
}

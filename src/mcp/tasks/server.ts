import { type JSONRPCRequest, type Result, Server, type ServerContext } from "@modelcontextprotocol/server";
import { inWords } from "../wrong-params.ts";

type Handler = (request: JSONRPCRequest, context: ServerContext) => Promise<Result>;

/**
 * The SDK's server, which may answer a tool call with a task too: by itself the SDK holds every answer of
 * one against the schema of a tool's result, and gives those without content an empty one. It says what is
 * wrong with a request in words.
 */
export class TaskServer extends Server {
  protected override _wrapHandler(method: string, handler: Handler): Handler {
    const wrapped =
      method === "tools/call" ? this.#answerByTask(handler) : super._wrapHandler(method, handler);
    return (request, context) =>
      wrapped(request, context).catch((thrown) => {
        throw inWords(thrown);
      });
  }

  #answerByTask(handler: Handler): Handler {
    return async (request, context) => {
      let task: Result | undefined;
      const checked = super._wrapHandler("tools/call", async (...call) => {
        const result = await handler(...call);
        if (result.resultType !== "task") return result;
        task = result;
        return { content: [] };
      });
      const result = await checked(request, context);
      return task ?? result;
    };
  }
}

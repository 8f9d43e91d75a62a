import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Json, JsonObject } from "../../src/core/json.ts";

export interface Models {
  origin: string;
  /** Paths that were asked for, each with the models' key. */
  readonly calls: { path: string; key: string }[];
  /** Requests that nobody waits for any more. */
  readonly abandoned: string[];
  close(): Promise<void>;
}

type Event = JsonObject & { type: string };

/** How a request ends: `undefined` never does. */
type Answer = { status: number; body: Json } | { events: Event[] } | undefined;

/**
 * A local Messages API (https://docs.anthropic.com/en/api/messages-streaming) and Responses API
 * (https://platform.openai.com/docs/api-reference/responses-streaming), as much of them as the agents call, November
 * 2026. A prompt says what happens: `[[turn NAME]]` is answered with all such names so far, `[[run COMMAND]]` has a
 * tool run a command first, `[[hang]]` and `[[fail]]` do that.
 */
export async function startModels(): Promise<Models> {
  const calls: Models["calls"] = [];
  const abandoned: string[] = [];
  const server = createServer(async (request, response) => {
    const { url: path = "", headers, method } = request;
    calls.push({ path, key: String(headers["x-api-key"] ?? headers.authorization ?? "") });
    response.on("close", () => response.writableFinished || abandoned.push(path));
    if (method !== "POST") return void response.writeHead(404).end();
    const body = JSON.parse(await text(request)) as JsonObject;
    const answer = path.includes("/v1/messages") ? messagesAnswer(body) : responsesAnswer(body);
    if (answer) send(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    calls,
    abandoned,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a conversation asks for: by its last prompt, unless a tool has answered to that. */
function reading(conversation: Json[]) {
  const words = [...JSON.stringify(conversation).matchAll(/\[\[(turn|run|hang|fail) ?([^\]]*)\]\]/g)];
  const [, what, command] = words.at(-1) ?? [];
  const ran = /tool_result|function_call_output/.test(JSON.stringify(conversation.at(-1)));
  const turns = words.filter(([, word]) => word === "turn").map(([, , name]) => name);
  return { what, command: what === "run" && !ran ? command : undefined, says: `heard ${turns.join(",")}` };
}

function messagesAnswer({ messages, model = "" }: JsonObject): Answer {
  const { what, command, says } = reading(messages as Json[]);
  if (what === "hang") return undefined;
  if (what === "fail") {
    const error = { type: "invalid_request_error", message: "told to fail" };
    return { status: 400, body: { type: "error", error } };
  }
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_sequence: null,
  };
  const [block, delta, stop_reason] = command
    ? [
        { type: "tool_use", id: "toolu_1", name: "Bash", input: {} },
        { type: "input_json_delta", partial_json: JSON.stringify({ command, description: "asked for" }) },
        "tool_use",
      ]
    : [{ type: "text", text: "" }, { type: "text_delta", text: says }, "end_turn"];
  const usage = { input_tokens: 11, output_tokens: 1 };
  return {
    events: [
      { type: "message_start", message: { ...message, stop_reason: null, usage } },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ] as Event[],
  };
}

function responsesAnswer({ input, tools = [] }: JsonObject): Answer {
  const { what, command, says } = reading(input as Json[]);
  if (what === "hang") return undefined;
  if (what === "fail") {
    const error = { code: "invalid_prompt", message: "told to fail" };
    return { events: [{ type: "response.failed", response: { id: "r1", status: "failed", error } }] };
  }
  const tool = (tools as JsonObject[]).find(({ name }) => name === "exec_command")?.name ?? "shell";
  const item = command
    ? {
        type: "function_call",
        id: "f1",
        call_id: "c1",
        name: tool,
        arguments: JSON.stringify({ cmd: command }),
      }
    : { type: "message", id: "m1", role: "assistant", content: [{ type: "output_text", text: says }] };
  const usage = { input_tokens: 21, output_tokens: 6, total_tokens: 27 };
  return {
    events: [
      { type: "response.created", response: { id: "r1" } },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { id: "r1", status: "completed", output: [item], usage } },
    ] as Event[],
  };
}

function send(response: ServerResponse, answer: NonNullable<Answer>): void {
  const [status, type, body] =
    "events" in answer
      ? [200, "text/event-stream", answer.events.map((event) => eventText(event)).join("")]
      : [answer.status, "application/json", JSON.stringify(answer.body)];
  response.writeHead(status, { "content-type": type }).end(body);
}

function eventText(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

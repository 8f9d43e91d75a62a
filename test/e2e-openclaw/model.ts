import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

// The model provider of the gateways: chat completions as the OpenAI API has them (its public reference of
// November 2026), always streamed, as OpenClaw 2026.9.6 asks for them. It takes nothing that it does not know.
// A gateway puts much around what a user says; what is said to this model stands in [[double brackets]]. It
// answers with how many such turns there were and the last of them.

const part = z.strictObject({ type: z.literal("text"), text: z.string() });
const content = z.union([z.string(), z.array(part)]);
const request = z.strictObject({
  model: z.literal("reckoner"),
  messages: z
    .array(z.strictObject({ role: z.enum(["system", "developer", "user", "assistant"]), content }))
    .min(2),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        function: z.looseObject({ name: z.string(), parameters: z.looseObject({}) }),
      }),
    )
    .optional(),
  tool_choice: z.literal("auto").optional(),
  max_completion_tokens: z.int().min(1),
});

export interface Asked {
  /** What the user said, turn by turn. */
  turns: string[];
  /** It asked and left before its answer was whole. */
  left: boolean;
}

export interface Model {
  /** Ends with `/v1`. */
  url: string;
  key: string;
  asked: Asked[];
  /** What it had to refuse. */
  refused: string[];
  close(): Promise<void>;
}

export async function startModel(): Promise<Model> {
  const model: Model = { url: "", key: "key-of-the-model", asked: [], refused: [], close };
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  });

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of incoming) raw += chunk;
    const path = `${incoming.method} ${incoming.url}`;
    if (incoming.headers.authorization !== `Bearer ${model.key}`)
      return refuse(response, 401, `${path}: key`);
    if (path !== "POST /v1/chat/completions") return refuse(response, 404, path);
    const parsed = request.safeParse(JSON.parse(raw));
    if (!parsed.success) return refuse(response, 400, z.prettifyError(parsed.error));
    const turns = parsed.data.messages.flatMap((message) =>
      message.role === "user"
        ? [...textOf(message.content).matchAll(/\[\[(.*?)\]\]/gs)].map(([, said]) => said ?? "")
        : [],
    );
    const asked: Asked = { turns, left: false };
    model.asked.push(asked);
    response.once("close", () => {
      asked.left = !response.writableEnded;
    });
    const last = turns.at(-1) ?? "";
    if (last.startsWith("fail ")) return refuse(response, 500, "");
    await speak(response, `turn ${turns.length}: ${last}`, Number(/^slow (\d+)/.exec(last)?.[1] ?? 0));
  }

  function refuse(response: ServerResponse, status: number, why: string): void {
    if (why !== "") model.refused.push(why);
    const error = {
      message: why || "told to fail",
      type: status < 500 ? "invalid_request_error" : "server_error",
    };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  model.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return model;
}

function textOf(given: z.output<typeof content>): string {
  return typeof given === "string" ? given : given.map(({ text }) => text).join("");
}

/** Word by word, over so many milliseconds. */
async function speak(response: ServerResponse, text: string, overMs: number): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (more: object) =>
    response.write(
      `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "reckoner", ...more })}\n\n`,
    );
  const choice = (delta: object, finish_reason: string | null = null) =>
    chunk({ choices: [{ index: 0, delta, finish_reason }], usage: null });
  choice({ role: "assistant", content: "" });
  const words = text.split(/(?= )/);
  for (const word of words) {
    if (overMs > 0) await sleep(overMs / words.length);
    if (response.destroyed) return;
    choice({ content: word });
  }
  choice({}, "stop");
  const usage = { prompt_tokens: 100, completion_tokens: words.length, total_tokens: 100 + words.length };
  chunk({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

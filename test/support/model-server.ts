import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

// A server of the OpenAI API over real sockets, with a model that can be reckoned: it answers with how many
// turns the user had and what was said last. It refuses what the public API would: the schemas mirror
// platform.openai.com/docs/api-reference (chat/create, responses/create), as it was in November 2026. Some
// words in what is said last make it misbehave, see `MOODS`.

const text = z.string();
const parts = z.array(z.strictObject({ type: z.enum(["text", "input_text", "output_text"]), text }));
const content = z.union([text, parts]);
const sampling = {
  model: text.min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: text.optional(),
  metadata: z.record(text, text).nullish(),
};
const chat = z.strictObject({
  ...sampling,
  messages: z
    .array(
      z.strictObject({
        role: z.enum(["system", "developer", "user", "assistant"]),
        content,
        name: text.optional(),
      }),
    )
    .min(1),
  stream_options: z.strictObject({ include_usage: z.boolean() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([text, z.array(text).max(4)]).nullish(),
  seed: z.int().nullish(),
});
const responses = z.strictObject({
  ...sampling,
  input: z.union([
    text,
    z.array(z.strictObject({ role: z.enum(["system", "developer", "user", "assistant"]), content })),
  ]),
  instructions: text.nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  store: z.boolean().nullish(),
});

type Said = { role: string; text: string }[];

export interface ModelServerOptions {
  models?: string[];
  /** The key that it demands. */
  apiKey?: string;
  /** Which calls it has; both unless given. */
  apis?: ("chat" | "responses")[];
  listsModels?: boolean;
}

export interface ModelServer {
  /** Ends with `/v1`. */
  url: string;
  /** Bodies of the calls so far, and whether their callers left before the end. */
  calls: { path: string; body: unknown; left: boolean }[];
  /** How many came with a wrong key. */
  readonly refused: number;
  close(): Promise<void>;
}

/** What the model says, given the whole conversation. */
export function answerTo(said: Said): string {
  const users = said.filter(({ role }) => role === "user");
  const system = said.find(({ role }) => role === "system")?.text;
  return `${system ? `[${system}] ` : ""}turn ${users.length}: ${users.at(-1)?.text ?? ""}`;
}

export async function modelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { models = ["reckoner"], apiKey, apis = ["chat", "responses"], listsModels = true } = options;
  const calls: ModelServer["calls"] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
      refused += 1;
      return refuse(response, 401, "Incorrect API key provided.", "invalid_api_key");
    }
    if (request.method === "GET" && request.url === "/v1/models" && listsModels)
      return json(response, 200, {
        object: "list",
        data: models.map((id) => ({ id, object: "model", created: 0, owned_by: "test" })),
      });
    const api = apis.find(
      (each) => request.url === (each === "chat" ? "/v1/chat/completions" : "/v1/responses"),
    );
    if (request.method !== "POST" || !api)
      return refuse(response, 404, `Invalid URL (${request.method} ${request.url})`, null);
    let raw = "";
    for await (const chunk of request) raw += chunk;
    const parsed = (api === "chat" ? chat : responses).safeParse(JSON.parse(raw));
    const call = { path: request.url ?? "", body: JSON.parse(raw), left: false };
    calls.push(call);
    response.once("close", () => {
      call.left = !response.writableEnded;
    });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return refuse(response, 400, `Invalid '${issue?.path.join(".")}': ${issue?.message}`, "invalid_value");
    }
    if (!models.includes(parsed.data.model))
      return refuse(response, 404, `The model '${parsed.data.model}' does not exist.`, "model_not_found");
    const said = saidIn(parsed.data);
    const ask = said.at(-1)?.text ?? "";
    const mood = MOODS.find((each) => ask.includes(each));
    if (mood === "be overloaded")
      return refuse(response, 503, "The engine is overloaded.", "overloaded", { "retry-after": "1" });
    if (mood === "be limited")
      return refuse(response, 429, "Rate limit reached.", "rate_limit_exceeded", { "retry-after": "1" });
    if (mood === "be broken") return refuse(response, 500, "The server had an error.", null);
    const reply = { api, said, words: answerTo(said).split(/(?<= )/), mood };
    if (!parsed.data.stream || mood === "come whole") return json(response, 200, whole(reply));
    await stream(response, reply);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    get refused() {
      return refused;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Words that change what it does: the first that is found counts. */
const MOODS = [
  "be overloaded",
  "be limited",
  "be broken",
  "come whole",
  "break off",
  "fail midway",
  "fall silent",
  "run out",
  "be filtered",
  "refuse",
  "go slowly",
] as const;

interface Reply {
  api: "chat" | "responses";
  said: Said;
  words: string[];
  mood: (typeof MOODS)[number] | undefined;
}

function saidIn(body: z.output<typeof chat> | z.output<typeof responses>): Said {
  const textOf = (given: z.output<typeof content>) =>
    typeof given === "string" ? given : given.map((part) => part.text).join("");
  if ("messages" in body)
    return body.messages.map(({ role, content: given }) => ({ role, text: textOf(given) }));
  const input = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  const system = body.instructions ? [{ role: "system", text: body.instructions }] : [];
  return [...system, ...input.map(({ role, content: given }) => ({ role, text: textOf(given) }))];
}

function tokens(words: string): number {
  return words.split(/\s+/).filter(Boolean).length;
}

function usageOf({ api, said, words }: Reply) {
  const [input, output] = [
    said.reduce((sum, each) => sum + tokens(each.text) + 4, 0),
    tokens(words.join("")),
  ];
  return api === "chat"
    ? { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
    : { input_tokens: input, output_tokens: output, total_tokens: input + output };
}

function finishOf({ mood }: Reply) {
  return mood === "run out" ? "length" : mood === "be filtered" ? "content_filter" : "stop";
}

function whole(reply: Reply): object {
  const usage = usageOf(reply);
  const said = reply.words.join("");
  if (reply.api === "chat") {
    const message =
      reply.mood === "refuse"
        ? { role: "assistant", content: null, refusal: "I cannot." }
        : { role: "assistant", content: said };
    return {
      id: "chatcmpl-1",
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: finishOf(reply) }],
      usage,
    };
  }
  const incomplete = reply.mood === "run out";
  const part =
    reply.mood === "refuse"
      ? { type: "refusal", refusal: "I cannot." }
      : { type: "output_text", text: said, annotations: [] };
  return {
    id: "resp_1",
    object: "response",
    status: incomplete ? "incomplete" : "completed",
    incomplete_details: incomplete ? { reason: "max_output_tokens" } : null,
    error: null,
    output: [{ type: "message", id: "msg_1", role: "assistant", status: "completed", content: [part] }],
    usage,
  };
}

async function stream(response: ServerResponse, reply: Reply): Promise<void> {
  const { api, words, mood } = reply;
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  const send = (data: object | "[DONE]", event?: string) =>
    response.write(
      `${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`,
    );
  const chunk = (delta: object, finish: string | null = null) =>
    send({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
      usage: null,
    });
  const delta = (word: string) =>
    api === "chat"
      ? chunk({ content: word })
      : send(
          {
            type: "response.output_text.delta",
            item_id: "msg_1",
            output_index: 0,
            content_index: 0,
            delta: word,
          },
          "response.output_text.delta",
        );
  if (api === "chat") chunk({ role: "assistant", content: "" });
  else
    send(
      { type: "response.created", response: { id: "resp_1", status: "in_progress", output: [] } },
      "response.created",
    );
  for (const [index, word] of words.entries()) {
    if (mood === "refuse") break;
    delta(word);
    if (index < 1) continue;
    if (mood === "break off") return void response.write("\n", () => response.destroy());
    if (mood === "fail midway") {
      send(
        api === "chat"
          ? { error: { message: "The model crashed.", type: "server_error" } }
          : { type: "error", message: "The model crashed.", code: "server_error" },
      );
      return void response.end();
    }
    if (mood === "fall silent") return;
    if (mood === "go slowly") await sleep(30);
    if (response.destroyed) return;
  }
  if (api === "responses") {
    const response_ = whole(reply) as { status: string };
    send({ type: `response.${response_.status}`, response: response_ }, `response.${response_.status}`);
  } else {
    if (mood === "refuse") chunk({ refusal: "I cannot." });
    chunk({}, finishOf(reply));
    send({ id: "chatcmpl-1", object: "chat.completion.chunk", choices: [], usage: usageOf(reply) });
    send("[DONE]");
  }
  response.end();
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  code: string | null,
  headers: Record<string, string> = {},
): void {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  json(response, status, { error: { message, type, param: null, code } }, headers);
}

import { randomUUID } from "node:crypto";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance, OpenAiApi } from "../core/instance.ts";
import type { Answer, Call, CancelAnswer, InstanceClient, NotSent, Probe } from "../core/ports.ts";
import type { Channel } from "./channel.ts";
import { type ChatMessage, chatBody, chatDialect } from "./chat-completions.ts";
import { conversation, withLeftOut } from "./conversation.ts";
import type { Exchange } from "./exchange.ts";
import { readModels } from "./openai-probe.ts";
import { probe } from "./probe.ts";
import { responsesBody, responsesDialect } from "./responses.ts";
import { MODEL_CAPABILITIES, ModelStream, readModelAnswer, readModelError } from "./stream.ts";
import { TokenScale } from "./token-window.ts";

const APIS = {
  chat: { path: "/chat/completions", body: chatBody, dialect: chatDialect },
  responses: { path: "/responses", body: responsesBody, dialect: responsesDialect },
} as const;

const HEADERS = ["content-type", "application/json", "accept", "text/event-stream, application/json"];
const IDLE_MS = 3 * 60_000;

/**
 * Speaks the OpenAI API: one request a task, whose answer is streamed. It knows neither keys nor handles:
 * what became of a request that broke cannot be asked. Closing the connection stops the model.
 */
export class OpenAiClient implements InstanceClient {
  readonly capabilities = MODEL_CAPABILITIES;
  readonly replays = true;
  readonly #channel: Channel;
  readonly #instance: Instance;
  readonly #scale = new TokenScale();
  /** Its API begins at /v1 where the url names no path. */
  readonly #base: string;
  /** The call that is tried first: the one that was there the last time. */
  #api: OpenAiApi;

  constructor(channel: Channel, instance: Instance) {
    this.#channel = channel;
    this.#instance = instance;
    this.#api = instance.settings?.api ?? "chat";
    this.#base = new URL(instance.url).pathname === "/" ? "/v1" : "";
  }

  send(call: Call): Promise<Answer> {
    return this.message("", 0, 0, call);
  }

  async message(_remoteId: string, _epoch: number, _seq: number, call: Call): Promise<Answer> {
    try {
      const { messages, leftOut } = conversation(call, this.#instance, this.#scale);
      return withLeftOut(await this.#complete(call, messages), this.#instance, leftOut);
    } catch (thrown) {
      return unsent(OrchestratorError.from(thrown));
    }
  }

  async ask(): Promise<Answer> {
    const { name } = this.#instance;
    return {
      delivery: "unknown",
      reply: "none",
      error: new OrchestratorError("instance_error", `${name} knows no task: its protocol gives none an id.`),
    };
  }

  async cancel(): Promise<CancelAnswer> {
    return { known: "disconnected" };
  }

  check(timeoutMs: number): Promise<Probe> {
    const { settings } = this.#instance;
    return probe(this.#channel, `${this.#base}/models`, timeoutMs, (exchange) =>
      readModels(exchange, settings?.model),
    );
  }

  /** Nothing is kept there: the transcript is. */
  async openSession(): Promise<{ remoteId: string }> {
    return { remoteId: randomUUID() };
  }

  async closeSession(): Promise<void> {}

  async #complete(call: Call, messages: readonly ChatMessage[]): Promise<Answer> {
    for (const api of new Set<OpenAiApi>([this.#api, "chat", "responses"])) {
      const answer = await this.#request(api, call, messages);
      if (answer === "no such path") continue;
      this.#api = api;
      return answer;
    }
    return unsent(nothingThere(this.#instance));
  }

  async #request(
    api: OpenAiApi,
    { cancellation, onProgress }: Call,
    messages: readonly ChatMessage[],
  ): Promise<Answer | "no such path"> {
    const { name, settings = {} } = this.#instance;
    if (settings.model === undefined) throw noModel(name);
    const { path, body, dialect } = APIS[api];
    const stream = new ModelStream(dialect, onProgress);
    const idleMs = settings.idleTimeoutMs ?? IDLE_MS;
    const request = {
      method: "POST",
      path: this.#base + path,
      headers: HEADERS,
      body: JSON.stringify(body(settings.model, messages, settings.parameters)),
      headersTimeoutMs: idleMs,
      idleMs,
      cancellation,
      onData: stream.onData,
    } as const;
    const answer = await this.#channel.request<Answer | "no such path">(request, (exchange) => {
      if (lacksPath(exchange) && settings.api === undefined) return { value: "no such path", quotes: false };
      return readModelAnswer(exchange, { dialect, so: stream.so, name, now: this.#channel.clock.now() });
    });
    this.#scale.learn(messages, stream.so.usage);
    return answer;
  }
}

/** A path that is not there, rather than a model that is not. */
function lacksPath(exchange: Exchange): boolean {
  if (exchange.status !== 404 && exchange.status !== 405 && exchange.status !== 501) return false;
  return !/model/i.test(readModelError(exchange)?.message ?? "");
}

function nothingThere({ name, url }: Instance): OrchestratorError {
  return new OrchestratorError(
    "bad_request",
    `${name} has neither /chat/completions nor /responses below ${url}.`,
    { instance: name, delivery: "not_sent", action: "Correct its url: it commonly ends with /v1." },
  );
}

function noModel(name: string): OrchestratorError {
  return new OrchestratorError("bad_request", `${name} was not asked: no model is configured for it.`, {
    instance: name,
    delivery: "not_sent",
    action: `Set fleet.${name}.model in the configuration.`,
  });
}

/** Nothing was sent, and would not be another time. */
function unsent(error: OrchestratorError): NotSent {
  return { delivery: "not_sent", reply: "none", again: "never", error };
}

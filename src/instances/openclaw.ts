import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Answer, Call, CancelAnswer, InstanceClient, OpenSession, Probe } from "../core/ports.ts";
import type { RemoteTranscript } from "../core/session.ts";
import type { Channel } from "./channel.ts";
import { type ChatMessage, chatBody } from "./chat-completions.ts";
import { conversation, withLeftOut } from "./conversation.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { gatewayDialect, readAgents, readGatewayError, readReady } from "./openclaw-readings.ts";
import { agentOf, deleteSession, isFirst, newSessionKey, readTranscript } from "./openclaw-sessions.ts";
import { probe } from "./probe.ts";
import { MODEL_CAPABILITIES, ModelStream, readModelAnswer } from "./stream.ts";
import { TokenScale } from "./token-window.ts";

/** A gateway answers before its agent begins. */
const ADMISSION_MS = 60_000;
/** Its stream says nothing while the agent uses a tool or its model is asked again, however long that takes. */
const NO_LIMIT = 0;

/** Who does a run: an agent, the gateway's own choice unless given, in one of its sessions or in none. */
interface Addressee {
  agent: string | undefined;
  key?: string;
}

/**
 * Speaks to an OpenClaw gateway through its chat completions: each request is a run of one of its agents,
 * always streamed, since only then a status tells of the gateway alone, and never of its model. It knows
 * no keys: what became of a request that broke cannot be asked. Closing the connection ends the run.
 */
export class OpenClawClient implements InstanceClient {
  readonly capabilities = MODEL_CAPABILITIES;
  readonly replays = true;
  readonly #channel: Channel;
  readonly #instance: Instance;
  readonly #graceMs: number;
  readonly #scale = new TokenScale();

  constructor(channel: Channel, instance: Instance, graceMs: number) {
    this.#channel = channel;
    this.#instance = instance;
    this.#graceMs = graceMs;
  }

  send(call: Call): Promise<Answer> {
    return this.#run(call, { agent: this.#instance.settings?.agent });
  }

  message(key: string, _epoch: number, _seq: number, call: Call): Promise<Answer> {
    const history = isFirst(key, call.history) ? call.history : [];
    return this.#run({ ...call, history }, { agent: agentOf(key), key });
  }

  async ask(): Promise<Answer> {
    const { name } = this.#instance;
    const error = new OrchestratorError(
      "instance_error",
      `${name} knows no task: a gateway gives a request no id to ask by.`,
    );
    return { delivery: "unknown", reply: "none", error };
  }

  async cancel(): Promise<CancelAnswer> {
    return { known: "disconnected" };
  }

  check(timeoutMs: number): Promise<Probe> {
    return probe(this.#channel, "/readyz", timeoutMs, readReady);
  }

  /** The gateway begins a session with its first message. It is asked whether it would take one. */
  async openSession({ history = [], cancellation }: OpenSession): Promise<{ remoteId: string }> {
    const { name, clock } = this.#channel;
    const agent = this.#instance.settings?.agent;
    const request: ExchangeRequest = {
      method: "GET",
      path: "/v1/models",
      headers: ["accept", "application/json"],
      headersTimeoutMs: this.#graceMs,
      cancellation,
    };
    const error = await this.#channel.request(request, (exchange) => ({
      value: readAgents(exchange, { name, agent, now: clock.now() }),
      quotes: true,
    }));
    if (error) throw error;
    return { remoteId: newSessionKey(agent, history.length) };
  }

  closeSession(key: string): Promise<void> {
    return deleteSession(this.#channel, key, this.#graceMs);
  }

  transcript(key: string): Promise<RemoteTranscript> {
    return readTranscript(this.#channel, key, this.#graceMs);
  }

  async #run(call: Call, at: Addressee): Promise<Answer> {
    try {
      const { messages, leftOut } = conversation(call, this.#instance, this.#scale);
      const stream = new ModelStream(gatewayDialect, call.onProgress);
      const request = { ...this.#request(call, messages, at), onData: stream.onData };
      const { name, clock } = this.#channel;
      const answer = await this.#channel.request(request, (exchange) =>
        readModelAnswer(exchange, {
          dialect: gatewayDialect,
          so: stream.so,
          name,
          now: clock.now(),
          readError: () => readGatewayError(exchange, name),
        }),
      );
      return withLeftOut(answer, this.#instance, leftOut);
    } catch (thrown) {
      return { delivery: "not_sent", reply: "none", again: "never", error: OrchestratorError.from(thrown) };
    }
  }

  #request(
    { cancellation }: Call,
    messages: readonly ChatMessage[],
    { agent, key }: Addressee,
  ): ExchangeRequest {
    const { model, idleTimeoutMs } = this.#instance.settings ?? {};
    return {
      method: "POST",
      path: "/v1/chat/completions",
      headers: [
        ...["content-type", "application/json", "accept", "text/event-stream, application/json"],
        ...(agent === undefined ? [] : ["x-openclaw-agent-id", agent]),
        ...(model === undefined ? [] : ["x-openclaw-model", model]),
        ...(key === undefined ? [] : ["x-openclaw-session-key", key]),
      ],
      body: JSON.stringify(chatBody(agent === undefined ? "openclaw" : `openclaw/${agent}`, messages)),
      headersTimeoutMs: idleTimeoutMs ?? ADMISSION_MS,
      idleMs: idleTimeoutMs ?? NO_LIMIT,
      cancellation,
    };
  }
}

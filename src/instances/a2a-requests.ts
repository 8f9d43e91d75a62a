import type { Client } from "@a2a-js/sdk/client";
import type { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Agent } from "./a2a-card.ts";
import { AgentCards, type Found } from "./a2a-cards.ts";
import { type Failed, METHOD_NOT_FOUND, ownErrorOf } from "./a2a-errors.ts";
import { Wire, type WireLimits } from "./a2a-wire.ts";
import type { Channel } from "./channel.ts";
import { unlessCancelled } from "./pause.ts";

/** Requests to one agent, made and read by the SDK, which is loaded with the first of them. */
export class A2aRequests {
  readonly cards: AgentCards;
  readonly #channel: Channel;
  readonly #instance: Instance;
  readonly #graceMs: number;

  /** @param channel for paths from the origin on. */
  constructor(channel: Channel, instance: Instance, graceMs: number) {
    this.#channel = channel;
    this.#instance = instance;
    this.#graceMs = graceMs;
    this.cards = new AgentCards(channel, instance);
  }

  /** Who is to be asked. With `anew`, as its card says now. */
  async agent(cancellation: Cancellation, { anew = false } = {}): Promise<Found> {
    const limits = { headersTimeoutMs: this.#graceMs, idleMs: this.#graceMs };
    // Others may wait for the same card: whoever gives up does not take it from them.
    const asked = anew ? this.cards.fetch(limits) : this.cards.find(limits);
    const found = await unlessCancelled(asked, cancellation);
    if (found && !cancellation.error) return found;
    const { name } = this.#instance;
    const why = cancellation.error?.message ?? "";
    const error = new OrchestratorError(
      cancellation.error?.code ?? "cancelled",
      `${why} ${name}'s agent card had not come: nothing was sent.`.trim(),
      { instance: name, delivery: "not_sent" },
    );
    return { refusal: { delivery: "not_sent", reply: "none", again: "never", error }, exchange: undefined };
  }

  /** Sends work: what it brought, or what is known of why it did not. Never rejects. */
  async work<T>(
    agent: Agent,
    limits: WireLimits,
    make: (client: Client, wire: Wire) => Promise<T>,
  ): Promise<{ value: T } | Failed> {
    const told = await this.#request(agent, limits, make);
    if ("wire" in told && isOutdated(told)) this.cards.forget();
    return told;
  }

  async #request<T>(
    { card }: Agent,
    limits: WireLimits,
    make: (client: Client, wire: Wire) => Promise<T>,
  ): Promise<{ value: T } | Failed> {
    const wire = new Wire(this.#channel, limits);
    try {
      return { value: await make(await connect(card, wire), wire) };
    } catch (thrown) {
      const failed = { wire, thrown };
      if (leadsNowhere(failed)) this.cards.forget();
      return failed;
    } finally {
      wire.close();
    }
  }

  /** A short question, as opposed to work. */
  question<T>(
    agent: Agent,
    cancellation: Cancellation,
    make: (client: Client) => Promise<T>,
  ): Promise<{ value: T } | Failed> {
    const limits = { headersTimeoutMs: this.#graceMs, idleMs: this.#graceMs, cancellation };
    return this.#request(agent, limits, make);
  }
}

async function connect(card: Agent["card"], { fetch }: Wire): Promise<Client> {
  const { ClientFactory, JsonRpcTransportFactory, RestTransportFactory } = await import("@a2a-js/sdk/client");
  const options = { fetchImpl: fetch, legacyCompat: { enabled: true } };
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory(options), new RestTransportFactory(options)],
    // The card is at hand, and read.
    cardResolver: { resolve: async () => card },
  });
  return factory.createFromAgentCard(card);
}

/** The agent may have become one of another version: its card is to be read again. */
function isOutdated(failed: Failed): boolean {
  const own = ownErrorOf(failed);
  return own?.code === METHOD_NOT_FOUND || own?.reason === "VERSION_NOT_SUPPORTED";
}

/** It may have moved. */
function leadsNowhere(failed: Failed): boolean {
  const { exchange } = failed.wire;
  if (ownErrorOf(failed)) return false;
  if (!exchange || exchange.failure?.kind === "cancelled" || exchange.failure?.kind === "withheld")
    return false;
  const { started, status } = exchange;
  return !started || (status >= 300 && status < 400) || status === 404 || status === 405 || status === 410;
}

import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { NotSent } from "../core/ports.ts";
import { type Agent, readCard } from "./a2a-card.ts";
import { Wire, type WireLimits } from "./a2a-wire.ts";
import type { Channel } from "./channel.ts";
import { isSuccess, refusal } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { snippet } from "./snippet.ts";

const WELL_KNOWN = "/.well-known/agent-card.json";
/** A card that could not be had is not asked for again so soon by who only wants to know the agent's tags. */
const TAGS_AGAIN_MS = 30_000;
const TAGS_PATIENCE_MS = 3_000;

/** An agent that can be spoken to; or why there is none, and what happened when its card was asked for. */
export type Found = { agent: Agent } | NoAgent;

export interface NoAgent {
  refusal: NotSent;
  exchange: Exchange | undefined;
}

/** The card of one agent: fetched when it is first needed, kept until something speaks against it. */
export class AgentCards {
  readonly #channel: Channel;
  readonly #instance: Instance;
  #agent: Agent | undefined;
  #fetching: Promise<Found> | undefined;
  #streamsNot = false;
  #failedAt = Number.NEGATIVE_INFINITY;

  /** @param channel for paths from the origin on. */
  constructor(channel: Channel, instance: Instance) {
    this.#channel = channel;
    this.#instance = instance;
  }

  /** Whether the agent streams, as far as is known. */
  get streaming(): boolean {
    return !this.#streamsNot && (this.#agent?.streaming ?? true);
  }

  /** Whatever its card says: it has refused to. */
  streamsNot(): void {
    this.#streamsNot = true;
  }

  /** The agent as it is known, else as its card says now. */
  async find(limits: WireLimits): Promise<Found> {
    return this.#agent ? { agent: this.#agent } : this.fetch(limits);
  }

  /** Asks for the card now, once for all who ask at the same time. */
  fetch(limits: WireLimits): Promise<Found> {
    this.#fetching ??= this.#fetch(limits).then((found) => {
      this.#fetching = undefined;
      if ("agent" in found) this.#agent = found.agent;
      else {
        this.#failedAt = this.#channel.clock.monotonic();
        // One that cannot be had just now may be as it was; one that came and is of no use is not.
        if (isSuccess(found.exchange?.status ?? 0)) this.#agent = undefined;
      }
      return found;
    });
    return this.#fetching;
  }

  /** Has the card asked for again: it may have led to where nobody answers any more. */
  forget(): void {
    this.#agent = undefined;
  }

  async tags(): Promise<readonly string[]> {
    if (!this.#agent && this.#channel.clock.monotonic() - this.#failedAt > TAGS_AGAIN_MS)
      await this.fetch({ headersTimeoutMs: TAGS_PATIENCE_MS, idleMs: TAGS_PATIENCE_MS });
    return this.#agent?.tags ?? [];
  }

  /** Below the configured path, where one host has several agents; else at the origin, where the protocol puts it. */
  async #fetch(limits: WireLimits): Promise<Found> {
    const path = new URL(this.#instance.url).pathname.replace(/\/+$/, "");
    if (path.endsWith(".json")) return this.#fetchAt(path, limits);
    const found = await this.#fetchAt(path + WELL_KNOWN, limits);
    const isElsewhere =
      "exchange" in found && (found.exchange?.status === 404 || found.exchange?.status === 405);
    return isElsewhere && path !== "" ? this.#fetchAt(WELL_KNOWN, limits) : found;
  }

  async #fetchAt(path: string, limits: WireLimits): Promise<Found> {
    const { origin } = this.#instance;
    const wire = new Wire(this.#channel, limits);
    try {
      const { DefaultAgentCardResolver } = await import("@a2a-js/sdk/client");
      const resolver = new DefaultAgentCardResolver({
        fetchImpl: wire.fetch,
        legacyCompat: { enabled: true },
      });
      return { agent: readCard(await resolver.resolve(origin, path), this.#instance) };
    } catch (thrown) {
      return { refusal: this.#why(thrown, wire, path), exchange: wire.exchange };
    }
  }

  /** Nothing of the work has been sent, whatever became of the question for the card. */
  #why(thrown: unknown, { exchange }: Wire, path: string): NotSent {
    const { name, origin } = this.#instance;
    if (thrown instanceof OrchestratorError) return notSent(thrown);
    if (!exchange || (isSuccess(exchange.status) && !exchange.failure)) {
      const what = exchange
        ? `${exchange.headers["content-type"] ?? "no content type"}: ${snippet(exchange.body)}`
        : snippet(String(thrown));
      return notSent(
        new OrchestratorError(
          "instance_error",
          `${name} answered no agent card at ${origin}${path} (${what}).`,
          {
            instance: name,
            delivery: "not_sent",
            action: "Check that the instance's url is where an A2A agent has its card.",
          },
        ),
      );
    }
    const answer = refusal(exchange, name, this.#channel.clock.now());
    const { status } = exchange;
    const missing = status === 404 || status === 405;
    const error = missing
      ? new OrchestratorError(
          "instance_error",
          `${name} has no agent card at ${origin}${path} (HTTP ${status}).`,
          {
            instance: name,
            action: "Set the instance's url to that of the agent, or of its card.",
          },
        )
      : answer.error;
    if (answer.delivery === "not_sent") return { ...answer, error: error.with({ delivery: "not_sent" }) };
    return { ...notSent(error.with({ delivery: "not_sent" })), again: "later" };
  }
}

function notSent(error: OrchestratorError): NotSent {
  return { delivery: "not_sent", reply: "none", again: "never", error };
}

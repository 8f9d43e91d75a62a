import { randomUUID } from "node:crypto";
import { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type {
  Answer,
  AskOptions,
  Call,
  CancelAnswer,
  Capabilities,
  InstanceClient,
  OpenSession,
  Probe,
  TaskRef,
} from "../core/ports.ts";
import { type Thread, threadOf } from "./a2a-answers.ts";
import { readAgent, readNoAgent } from "./a2a-probe.ts";
import { A2aRequests } from "./a2a-requests.ts";
import { deliver, type Sending } from "./a2a-send.ts";
import { A2aTasks } from "./a2a-tasks.ts";
import type { Channel } from "./channel.ts";
import { unlessCancelled } from "./pause.ts";
import type { Seen } from "./probe.ts";

/** No agent has a task of this name; what it says of it shows whether it is there. */
const NO_TASK = "00000000-0000-4000-8000-000000000000";

/**
 * Speaks Agent2Agent through its SDK. Work is a task there, whose id any process can ask about later; until that id
 * is there, what became of a request that broke cannot be asked.
 */
export class A2aClient implements InstanceClient {
  readonly #channel: Channel;
  readonly #sending: Sending;
  readonly #tasks: A2aTasks;

  /** @param graceMs how long the agent may take over its card, or over a question about a task. */
  constructor(channel: Channel, instance: Instance, graceMs: number) {
    this.#channel = channel.fromOrigin();
    const requests = new A2aRequests(this.#channel, instance, graceMs);
    this.#sending = { requests, instance, clock: channel.clock };
    this.#tasks = new A2aTasks(this.#sending);
  }

  get capabilities(): Capabilities {
    const { streaming } = this.#sending.requests.cards;
    return { idempotency: false, cancel: true, async: true, sessions: true, history: false, streaming };
  }

  send(call: Call): Promise<Answer> {
    return this.#deliver(call, { contextId: "", taskId: "" });
  }

  message(remoteId: string, _epoch: number, _seq: number, call: Call): Promise<Answer> {
    return this.#deliver(call, threadOf(remoteId));
  }

  async ask({ taskId }: TaskRef, options: AskOptions): Promise<Answer | "unseen"> {
    if (taskId === undefined)
      return { delivery: "unknown", reply: "none", error: this.#noHandle("asked about") };
    const heard = await this.#tasks.ask(taskId, options);
    return heard === "unseen" ? heard : this.#redacted(heard);
  }

  async cancel({ taskId }: TaskRef): Promise<CancelAnswer> {
    if (taskId === undefined) return { known: "unknown", error: this.#noHandle("cancelled") };
    const told = await this.#tasks.cancel(taskId);
    return told.known === true ? { ...told, answer: this.#redacted(told.answer) } : this.#redacted(told);
  }

  async check(timeoutMs: number): Promise<Probe> {
    const { clock } = this.#channel;
    const startedAt = clock.monotonic();
    const cancellation = new Cancellation();
    const stop = clock.after(timeoutMs, () => cancellation.cancel());
    const late: Seen = { state: "down", reason: `no answer within ${timeoutMs} ms` };
    const seen = (await unlessCancelled(this.#look(cancellation), cancellation)) ?? late;
    stop();
    const reason = this.#channel.redacted(seen.reason);
    return { ...seen, reason, latencyMs: clock.monotonic() - startedAt };
  }

  tags(): Promise<readonly string[]> {
    return this.#sending.requests.cards.tags();
  }

  /** The agent names a context when it answers the first message; until then the session has a name of ours. */
  async openSession({ cancellation }: OpenSession): Promise<{ remoteId: string }> {
    const found = await this.#sending.requests.agent(cancellation);
    if (!("agent" in found)) throw this.#redacted(found.refusal).error;
    return { remoteId: `:${randomUUID()}` };
  }

  /** An agent keeps its contexts as long as it likes; there is no way to close one. */
  async closeSession(): Promise<void> {}

  async #deliver(call: Call, thread: Thread): Promise<Answer> {
    const answer = await deliver(this.#sending, call, thread);
    if (answer.delivery === "not_sent" && answer.error.code === "rate_limited") this.#tasks.slowDown();
    return this.#redacted(answer);
  }

  async #look(cancellation: Cancellation): Promise<Seen> {
    const { requests, instance } = this.#sending;
    const found = await requests.agent(cancellation, { anew: true });
    if (!("agent" in found)) return readNoAgent(found, instance.name);
    const { agent } = found;
    const told = await requests.question(agent, cancellation, (client) =>
      client.getTask({ tenant: "", id: NO_TASK, historyLength: 0 }),
    );
    return readAgent(told, agent);
  }

  #noHandle(what: string): OrchestratorError {
    const { name } = this.#sending.instance;
    return new OrchestratorError(
      "instance_error",
      `${name} gave no id for the task, so it cannot be ${what}.`,
      {
        instance: name,
      },
    );
  }

  /** An agent may quote the key that it refuses: our errors never do. */
  #redacted<T extends { error?: OrchestratorError } | object>(told: T): T {
    if (!("error" in told) || !(told.error instanceof OrchestratorError)) return told;
    const { error } = told;
    const message = this.#channel.redacted(error.message);
    return message === error.message
      ? told
      : { ...told, error: new OrchestratorError(error.code, message, error) };
  }
}

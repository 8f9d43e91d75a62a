import type { OrchestratorError } from "../core/errors.ts";
import type { HealthRecord } from "../core/health.ts";
import { type Instance, instanceId } from "../core/instance.ts";
import type { Answer, Clock, InstanceClients, Logger, NotSent, Random } from "../core/ports.ts";
import { isSick, type Observation, observe, unobserved } from "../policy/health.ts";
import type { Breakers } from "./breakers.ts";
import type { HealthHistory } from "./health-history.ts";

const CHECK_TIMEOUT_MS = 5_000;
/** The sick are looked at so much more often, so that work returns to them soon. */
const SICK_FACTOR = 6;
/** How soon to look again where no configuration says it. */
const UNCONFIGURED_INTERVAL_MS = 10_000;

export interface HealthMonitorDependencies {
  clock: Clock;
  random: Random;
  logger: Logger;
  clients: InstanceClients;
  known: () => Promise<readonly Instance[]>;
  intervalMs: () => number;
  breakers: Breakers;
  history: HealthHistory;
}

/** What is believed of each instance: fed by polls from one timer, and by every real call. */
export class HealthMonitor {
  readonly #deps: HealthMonitorDependencies;
  readonly #records = new Map<string, HealthRecord>();
  readonly #dueAt = new Map<string, number>();
  #stopTimer: (() => void) | undefined;
  #running = false;

  constructor(deps: HealthMonitorDependencies) {
    this.#deps = deps;
  }

  of = (instance: Instance): HealthRecord =>
    this.#records.get(instanceId(instance)) ?? unobserved(this.#deps.clock.now());

  /** Learns from a real call; `startedAt` is epoch milliseconds, absent for a question about one. */
  note(instance: Instance, answer: Answer, startedAt?: number): void {
    const observation = observed(answer, instance.name);
    if (!observation) return;
    // Questions about a task tell of health; the breaker counts attempts alone.
    if (startedAt !== undefined) this.#deps.breakers.attempted(instance, observation, startedAt);
    this.#observe(instance, observation);
  }

  /** Asks each of them now, all at once, within 5 s. */
  async check(instances: readonly Instance[]): Promise<void> {
    await Promise.all(
      instances.map(async (instance) => {
        const probe = await this.#deps.clients.of(instance).check(CHECK_TIMEOUT_MS);
        this.#deps.breakers.polled(instance, probe);
        this.#observe(instance, { kind: "poll", probe });
        this.#dueAt.set(instanceId(instance), this.#nextDue(instance));
      }),
    );
  }

  /** Begins to poll: each instance every interval, with jitter so that many pollers spread out. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#tick();
  }

  stop(): void {
    this.#running = false;
    this.#stopTimer?.();
  }

  async #tick(): Promise<void> {
    const { clock, known, logger } = this.#deps;
    try {
      const instances = await known();
      this.#forgetAllBut(instances);
      const now = clock.monotonic();
      await this.check(instances.filter((instance) => (this.#dueAt.get(instanceId(instance)) ?? 0) <= now));
    } catch (error) {
      logger.warn({ err: error }, "the fleet could not be polled");
    }
    if (this.#running) this.#stopTimer = clock.after(this.#untilNextDue(), () => void this.#tick());
  }

  /** While the configuration cannot be read there is nothing to poll, and one day it can be again. */
  #interval(): number {
    try {
      return this.#deps.intervalMs();
    } catch {
      return UNCONFIGURED_INTERVAL_MS;
    }
  }

  #forgetAllBut(instances: readonly Instance[]): void {
    const ids = new Set(instances.map(instanceId));
    for (const map of [this.#dueAt, this.#records]) {
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    }
  }

  #untilNextDue(): number {
    const { clock } = this.#deps;
    const earliest = Math.min(...this.#dueAt.values(), clock.monotonic() + this.#interval());
    return Math.max(100, earliest - clock.monotonic());
  }

  #nextDue(instance: Instance): number {
    const { clock, random } = this.#deps;
    const interval = isSick(this.of(instance)) ? this.#interval() / SICK_FACTOR : this.#interval();
    return clock.monotonic() + interval * (0.9 + 0.2 * random());
  }

  #observe(instance: Instance, observation: Observation): void {
    const { history, clock } = this.#deps;
    const before = this.of(instance);
    const now = clock.now();
    if (observation.kind === "ok" && before.state === "healthy" && before.failures === 0) {
      // By far the most calls change nothing else.
      before.observedAt = now;
      return;
    }
    const next = observe(before, observation, now);
    this.#records.set(instanceId(instance), next);
    if (next.state !== "healthy" || before.state !== "healthy") {
      history.seen(instance, next.state, next.reason, observation.kind === "poll" ? "poll" : "call");
    }
    if (next.state === before.state) return;
    // The first sighting of a healthy instance is no news.
    const level = next.state === "healthy" && before.state === "unknown" ? "debug" : "info";
    this.#deps.logger[level](
      { instance: instance.name, from: before.state, to: next.state, reason: next.reason },
      "health changed",
    );
  }
}

/** What a call's answer says of the instance's health, if anything. */
function observed(answer: Answer, name: string): Observation | undefined {
  const error = "error" in answer ? answer.error : undefined;
  if (answer.delivery === "not_sent") return refusal(answer, name);
  // A failed reply is the work's fault; an answer that was lost is the instance's.
  return error && (answer.reply === "none" || answer.reply === "pending")
    ? { kind: "trouble", reason: reasonOf(error, name) }
    : { kind: "ok" };
}

function refusal({ error, unreachable }: NotSent, name: string): Observation | undefined {
  if (unreachable) return { kind: "unreachable", reason: reasonOf(error, name) };
  if (error.code === "draining") return { kind: "draining", reason: reasonOf(error, name) };
  // Other refusals (4xx, 429, overload) say nothing against the instance.
  return undefined;
}

/** The error's words without its subject, which stands beside them wherever a reason is shown. */
function reasonOf({ message }: OrchestratorError, name: string): string {
  return message.replace(`${name}: `, "").replace(/\.$/, "");
}

import { type Instance, instanceId } from "../core/instance.ts";
import type { Clock, Logger, Probe, Store } from "../core/ports.ts";
import {
  type Breaker,
  CLOSED,
  claimed,
  failed,
  isDue,
  probed,
  succeeded,
  type TrippedBreaker,
} from "../policy/breaker.ts";
import type { Observation } from "../policy/health.ts";
import { within } from "./live-runs.ts";

/** One record for all that are not closed: nearly always it is empty, and read in one step. */
const KEY = "breakers";
/** How old the view of what other processes did may be. */
const FRESH_MS = 1_000;
const MOST_TRIES = 10;
const FORGET_AFTER_MS = 86_400_000;

export interface BreakersDependencies {
  clock: Clock;
  logger: Logger;
  store: Store;
  /** Identity of this process. */
  self: string;
  /** Polls one instance's health, and has {@link Breakers.polled} hear of it. */
  check: (instance: Instance) => Promise<void>;
}

type Shared = Record<string, TrippedBreaker>;

/** The breaker of each instance: failures counted here, transitions shared through the store. */
export class Breakers {
  readonly #deps: BreakersDependencies;
  readonly #states = new Map<string, Breaker>();
  readonly #probes = new Map<string, Promise<void>>();
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #writes = 0;

  constructor(deps: BreakersDependencies) {
    this.#deps = deps;
  }

  of(instance: Instance): Breaker {
    return this.#states.get(instanceId(instance)) ?? CLOSED;
  }

  /** Why nothing is sent there now, in words; undefined while it is closed. */
  blocks = (instance: Instance): string | undefined => {
    if (this.#states.size === 0) return undefined;
    const breaker = this.of(instance);
    if (breaker.state === "closed") return undefined;
    const until = new Date(breaker.until).toISOString();
    return breaker.state === "open"
      ? `held off by its breaker until ${until}: ${breaker.reason}`
      : `held off by its breaker, whose check is under way: ${breaker.reason}`;
  };

  /** Learns what other processes did, at most once a second; undefined when it knows. */
  refresh(): Promise<void> | undefined {
    const { clock } = this.#deps;
    if (clock.monotonic() - this.#readAt < FRESH_MS || this.#writes > 0) return undefined;
    this.#reading ??= this.#read().finally(() => {
      this.#readAt = clock.monotonic();
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /**
   * Makes ready to choose among these: a breaker whose time is over has the health of its instance
   * checked, which only one process does. That is awaited where nobody else could be asked, for as
   * long as the caller can wait.
   */
  async prepare(instances: readonly Instance[], patienceMs: number): Promise<void> {
    await this.refresh();
    if (this.#states.size === 0) return;
    const now = this.#deps.clock.now();
    const probes = instances
      .filter((instance) => isDue(this.of(instance), now) || this.#probes.has(instanceId(instance)))
      .map((instance) => this.#probe(instance));
    if (probes.length > 0 && instances.every(this.blocks)) {
      await within(this.#deps.clock, Promise.all(probes), Math.max(0, patienceMs));
    }
  }

  /** Learns from an attempt that began at `startedAt`, in epoch milliseconds. */
  attempted(instance: Instance, observation: Observation, startedAt: number): void {
    const id = instanceId(instance);
    const before = this.#states.get(id);
    if (observation.kind === "ok") {
      if (before) this.#move(id, before, succeeded(before, startedAt));
    } else if (observation.kind === "unreachable" || observation.kind === "trouble") {
      this.#move(id, before ?? CLOSED, failed(before ?? CLOSED, observation.reason, this.#deps.clock.now()));
    }
  }

  /** Learns from a poll: one that comes when the breaker's time is over is its check. */
  polled(instance: Instance, { state, reason }: Probe): void {
    const { self, clock } = this.#deps;
    const id = instanceId(instance);
    const before = this.#states.get(id);
    if (!before) return;
    const now = clock.now();
    const half = claimed(before, self, now) ?? before;
    this.#move(id, before, probed(half, { probeBy: self, well: state !== "down", reason }, now));
  }

  /** Resolves when the store has what happened here. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  #probe(instance: Instance): Promise<void> {
    const id = instanceId(instance);
    const running = this.#probes.get(id);
    if (running !== undefined) return running;
    const probe = this.#claim(id)
      .then((mine) => (mine ? this.#deps.check(instance) : undefined))
      .finally(() => this.#probes.delete(id));
    this.#probes.set(id, probe);
    return probe;
  }

  async #claim(id: string): Promise<boolean> {
    let mine = false;
    await this.#share((shared) => {
      const half = claimed(shared[id] ?? CLOSED, this.#deps.self, this.#deps.clock.now());
      mine = half !== undefined;
      return half && replaced(shared, id, half);
    });
    return mine;
  }

  #move(id: string, before: Breaker, next: Breaker): void {
    if (next === before) return;
    this.#set(id, next);
    if (next.state === "closed" && before.state === "closed") return;
    this.#deps.logger.info({ instance: id, from: before.state, to: next.state }, "breaker changed");
    void this.#share((shared) => {
      // One that another process has opened meanwhile stays as it is.
      if (next.state === "open" && before.state === "closed" && shared[id]) return undefined;
      return replaced(shared, id, next);
    });
  }

  #set(id: string, breaker: Breaker): void {
    if (breaker.state === "closed" && breaker.failures === 0) this.#states.delete(id);
    else this.#states.set(id, breaker);
  }

  async #read(): Promise<void> {
    try {
      const entry = await this.#deps.store.get(KEY);
      if (this.#writes === 0) this.#adopt(entry ? (JSON.parse(entry.value) as Shared) : {});
    } catch {
      // What is known here goes on to hold; the call itself says what is wrong with the store.
    }
  }

  #adopt(shared: Shared): void {
    for (const [id, { state }] of this.#states)
      if (state !== "closed" && !shared[id]) this.#states.delete(id);
    for (const [id, breaker] of Object.entries(shared)) this.#states.set(id, breaker);
  }

  /** Changes what is shared, one change after another; undefined leaves it as it is. */
  #share(change: (shared: Shared) => Shared | undefined): Promise<void> {
    this.#writes += 1;
    const write = this.#writing
      .then(() => this.#write(change))
      .finally(() => {
        this.#writes -= 1;
      });
    this.#writing = write;
    return write;
  }

  async #write(change: (shared: Shared) => Shared | undefined): Promise<void> {
    const { store, logger, clock } = this.#deps;
    try {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const entry = await store.get(KEY);
        const shared = entry ? (JSON.parse(entry.value) as Shared) : {};
        const next = change(shared);
        const put =
          next &&
          (await store.put(KEY, JSON.stringify(remembered(next, clock.now())), {
            ifVersion: entry?.version ?? 0,
          }));
        if (next && put === undefined) continue;
        if (this.#writes === 1) this.#adopt(next ?? shared);
        return;
      }
    } catch (error) {
      logger.debug({ err: error }, "the breakers cannot be shared");
    }
  }
}

function replaced(shared: Shared, id: string, breaker: Breaker): Shared {
  const { [id]: _, ...others } = shared;
  return breaker.state === "closed" ? others : { ...others, [id]: breaker };
}

/** Without those of instances that nobody has asked for so long. */
function remembered(shared: Shared, now: number): Shared {
  return Object.fromEntries(Object.entries(shared).filter(([, { until }]) => now - until < FORGET_AFTER_MS));
}

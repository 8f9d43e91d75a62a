import type { HealthState, HealthTransition } from "../core/health.ts";
import { type Instance, instanceId } from "../core/instance.ts";
import type { Clock, Logger, Store } from "../core/ports.ts";
import { addSighting, record, type Sighting } from "../policy/health-history.ts";

const KEEP_MS = 7 * 86_400_000;
/** Another process may write the same record; each of them does so in a few tries. */
const MOST_TRIES = 10;

export interface HealthHistoryDependencies {
  clock: Clock;
  logger: Logger;
  store: Store;
}

/** The transitions of each instance's health, kept in the store, where every process adds what it saw. */
export class HealthHistory {
  readonly #deps: HealthHistoryDependencies;
  readonly #unwritten = new Map<string, Sighting[]>();
  #writing: Promise<void> | undefined;

  constructor(deps: HealthHistoryDependencies) {
    this.#deps = deps;
  }

  /** A call or a poll found it so. */
  seen(instance: Instance, to: HealthState, reason: string, by: "call" | "poll"): void {
    const [calls, polls] = by === "call" ? [1, 0] : [0, 1];
    this.#add(instance, { to, at: this.#deps.clock.now(), reason, calls, polls, rerouted: 0, runIds: [] });
  }

  /** A run went to another instance because this one is in that state. */
  rerouted(instance: Instance, to: HealthState, reason: string, runId: string): void {
    const at = this.#deps.clock.now();
    this.#add(instance, { to, at, reason, calls: 0, polls: 0, rerouted: 1, runIds: [runId] });
  }

  /** What is stored of an instance, oldest first; nothing where the store cannot be read. */
  async read(instance: Instance): Promise<HealthTransition[]> {
    await this.idle();
    try {
      const entry = await this.#deps.store.get(keyOf(instanceId(instance)));
      return entry ? (JSON.parse(entry.value) as HealthTransition[]) : [];
    } catch (error) {
      this.#deps.logger.debug({ err: error, instance: instance.name }, "the health record cannot be read");
      return [];
    }
  }

  /** Resolves when all that was seen is written. */
  async idle(): Promise<void> {
    for (let writing = this.#writing; writing; writing = this.#writing) await writing;
  }

  #add(instance: Instance, sighting: Sighting): void {
    const id = instanceId(instance);
    this.#unwritten.set(id, addSighting(this.#unwritten.get(id) ?? [], sighting));
    // What is seen during a write goes with the next.
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    for (let [next] = this.#unwritten; next; [next] = this.#unwritten) {
      const [id, sightings] = next;
      this.#unwritten.delete(id);
      try {
        await this.#write(keyOf(id), sightings);
      } catch (error) {
        // Health is an aid: a store that cannot keep it must not cost a call.
        this.#deps.logger.debug({ err: error, instance: id }, "the health record cannot be written");
      }
    }
  }

  async #write(key: string, sightings: readonly Sighting[]): Promise<void> {
    const { store, clock } = this.#deps;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const entry = await store.get(key);
      const before = entry ? (JSON.parse(entry.value) as HealthTransition[]) : [];
      // The first sighting of one that is well is no news where that is known.
      const [only] = sightings;
      if (sightings.length === 1 && only?.to === "healthy" && before.at(-1)?.to === "healthy") return;
      const put = await store.put(key, JSON.stringify(record(before, sightings)), {
        ifVersion: entry?.version ?? 0,
        expiresAt: clock.now() + KEEP_MS,
      });
      if (put !== undefined) return;
    }
  }
}

function keyOf(id: string): string {
  return `health/${id}`;
}

import type { Clock, Logger, Processes, Store } from "../core/ports.ts";
import { sleep } from "./sleep.ts";

const PRESENCES = "process/";
const BEAT_MS = 5_000;
/** An owner whose revision has not changed for so long, on the observer's own clock, has lost its lease. */
const PERIOD_MS = 15_000;

export interface PresenceDependencies {
  clock: Clock;
  logger: Logger;
  processes: Processes;
  store: Store;
}

/** What the record of a process says. */
interface Presence {
  processId: string;
  /** Counts up: each beat makes a new revision. */
  beat: number;
  /** It has ended cleanly and left runs open: they may be taken over at once. */
  released?: true;
}

/**
 * The leases of this machine's processes: each keeps a record with which all its runs are leased. A
 * lease has run out when the record's revision has not changed for a period on the observer's own
 * monotonic clock, or the process is gone on the same boot; wall clocks are not compared.
 */
export class PresenceBoard {
  readonly #deps: PresenceDependencies;
  /** When the revision of each other process was first seen. */
  readonly #seen = new Map<string, { version: number; at: number }>();
  #beat = 0;
  #announced: Promise<void> | undefined;
  #shown = false;
  #stopped = false;

  constructor(deps: PresenceDependencies) {
    this.#deps = deps;
  }

  get isShown(): boolean {
    return this.#shown;
  }

  /** Shows this process from its first run on; that run's first intent waits for this. */
  announce(): Promise<void> {
    this.#announced ??= this.#show().then(
      () => {
        this.#shown = true;
        void this.#keepBeating();
      },
      (error: unknown) => {
        this.#announced = undefined;
        throw error;
      },
    );
    return this.#announced;
  }

  /** The processes whose lease has run out. */
  async lapsed(): Promise<string[]> {
    const { clock, processes, store } = this.#deps;
    const lapsed: string[] = [];
    for (const { value, version } of await store.list(PRESENCES)) {
      const { processId, released } = JSON.parse(value) as Presence;
      if (processId === processes.self) continue;
      const before = this.#seen.get(processId);
      if (before?.version !== version) this.#seen.set(processId, { version, at: clock.monotonic() });
      const silentFor = clock.monotonic() - (this.#seen.get(processId)?.at ?? 0);
      if (released || processes.isGone(processId) || silentFor >= PERIOD_MS) lapsed.push(processId);
    }
    return lapsed;
  }

  /** Forgets a process that is gone and whose runs have all been taken over. */
  async forget(processId: string): Promise<void> {
    // One that merely was silent may wake, and goes on with its own record.
    if (!this.#deps.processes.isGone(processId)) return;
    this.#seen.delete(processId);
    await this.#deps.store.delete(keyOf(processId));
  }

  /** The clean exit: the leases of what is still open are released at once. */
  async leave(runsLeft: boolean): Promise<void> {
    this.#stopped = true;
    if (!this.#shown) return;
    if (runsLeft) await this.#show(true);
    else await this.#deps.store.delete(keyOf(this.#deps.processes.self));
  }

  async #show(released = false): Promise<void> {
    const { processes, store } = this.#deps;
    const presence: Presence = {
      processId: processes.self,
      beat: ++this.#beat,
      ...(released && { released }),
    };
    await store.put(keyOf(processes.self), JSON.stringify(presence));
  }

  async #keepBeating(): Promise<void> {
    for (;;) {
      await sleep(this.#deps.clock, BEAT_MS);
      if (this.#stopped) return;
      await this.#show().catch((error: unknown) =>
        this.#deps.logger.warn({ err: error }, "the lease of this process's runs could not be renewed"),
      );
    }
  }
}

function keyOf(processId: string): string {
  return PRESENCES + encodeURIComponent(processId);
}

import type { FastifyInstance } from "fastify";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Clock, Ids, Logger, Store } from "../core/ports.ts";
import { openJournal } from "./journal.ts";
import { addRoutes } from "./routes.ts";
import { SessionRecords } from "./session-records.ts";
import { Sessions } from "./sessions.ts";
import { Tasks } from "./tasks.ts";
import type { Worker } from "./worker.ts";
import { WorkerSlots } from "./worker-slots.ts";

/** How long `stop` waits for workers that were told to stop. */
const STOP_GRACE_MS = 5_000;

export interface InstanceApiOptions {
  /** The instance's name. */
  name: string;
  worker: Worker;
  /** The journal's store, which no other process writes. */
  store: Store;
  clock: Clock;
  logger: Logger;
  ids: Pick<Ids, "random">;
  /** How many tasks the worker has at once; 4 unless told otherwise. */
  concurrency?: number;
  /** How many more may wait; 256 unless told otherwise. */
  queue?: number;
}

export interface InstanceApi {
  /** Identity of its journal. */
  readonly storeId: string;
  /** @param facts what health shows besides, to those with a key */
  addTo(server: FastifyInstance, facts?: () => Record<string, Json>): void;
  stats(): { inFlight: number; queued: number };
  /** Refuses new work and resolves when what was accepted has ended; answers go on. */
  drain(): Promise<void>;
  /** Tells what still runs to stop; it ends as `interrupted`. Leaves worker and store to their owner. */
  stop(): Promise<void>;
}

/**
 * The Instance API over one worker, to be added to a server.
 *
 * @throws OrchestratorError `store_unavailable`
 */
export async function openInstanceApi(options: InstanceApiOptions): Promise<InstanceApi> {
  const { name, worker, store, clock, logger, ids, concurrency = 4, queue = 256 } = options;
  const journal = await openJournal({ store, clock, ids });
  const records = new SessionRecords({ store, clock, ids });
  const slots = new WorkerSlots({ worker, concurrency });
  const sessions = new Sessions({ name, records, slots });
  const tasks = new Tasks({
    name,
    journal,
    clock,
    logger,
    capacity: concurrency + queue,
    answered: (message, taskId) => records.answered(message, taskId),
  });
  return {
    storeId: journal.storeId,
    addTo(server, facts) {
      const workerFacts = () => ({ ...worker.facts?.(), ...facts?.() });
      addRoutes(server, { name, clock, ids, journal, tasks, slots, sessions, records, workerFacts });
    },
    stats: () => ({ inFlight: slots.inFlight, queued: Math.max(0, tasks.unfinished - slots.inFlight) }),
    drain: () => tasks.drain(),
    async stop() {
      const drained = tasks.drain();
      tasks.interrupt(
        new OrchestratorError("interrupted", `Instance ${name} was stopped before the task was done.`),
      );
      const late = new Promise<void>((resolve) => {
        const stopWaiting = clock.after(STOP_GRACE_MS, resolve);
        void drained.then(stopWaiting);
      });
      await Promise.race([drained, late]);
    },
  };
}

import { OrchestratorError } from "../core/errors.ts";
import type { Clock, Ids, Logger, Store } from "../core/ports.ts";
import { listen } from "../server/listen.ts";
import { createServer } from "../server/server.ts";
import { openJournal } from "./journal.ts";
import { addRoutes, HEALTH_PATH } from "./routes.ts";
import { SessionRecords } from "./session-records.ts";
import { Sessions } from "./sessions.ts";
import { Tasks } from "./tasks.ts";
import type { Worker } from "./worker.ts";
import { WorkerSlots } from "./worker-slots.ts";

/** Bytes of a task's or message's body. */
const BODY_LIMIT = 8 * 1024 * 1024;
/** How long `close` waits for workers that were told to stop. */
const STOP_GRACE_MS = 5_000;

export interface HostOptions {
  /** The instance's name. */
  name: string;
  worker: Worker;
  /** The journal's store, which no other process writes. */
  store: Store;
  clock: Clock;
  logger: Logger;
  ids: Pick<Ids, "random">;
  /** Accepted bearer keys; none means that no key is needed, on loopback only. */
  keys: () => readonly string[];
  /** Address to listen on, and port (0 for the kernel's choice). */
  host: string;
  port: number;
  /** How many tasks the worker has at once; 4 unless told otherwise. */
  concurrency?: number;
  /** How many more may wait; 256 unless told otherwise. */
  queue?: number;
  /** Names, without port, that `Host` may carry besides the address. */
  allowedHosts?: () => readonly string[];
}

export interface Host {
  readonly origin: string;
  stats(): { inFlight: number; queued: number };
  /** Refuses new work and resolves when what was accepted has ended; answers go on. */
  drain(): Promise<void>;
  /** Stops: what still runs is told to, and ends as `interrupted`. Leaves worker and store to their owner. */
  close(): Promise<void>;
}

/**
 * Starts an instance host: the Instance API over one worker.
 *
 * @throws OrchestratorError `store_unavailable`, and what `listen` throws.
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const {
    name,
    worker,
    store,
    clock,
    logger,
    ids,
    keys,
    concurrency = 4,
    queue = 256,
    allowedHosts,
  } = options;
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

  const server = createServer({
    logger,
    keys,
    openPaths: [HEALTH_PATH],
    bodyLimit: BODY_LIMIT,
    ...(allowedHosts && { allowedHosts }),
  });
  const workerFacts = () => worker.facts?.();
  addRoutes(server, { name, clock, ids, journal, tasks, slots, sessions, records, workerFacts });
  const origin = await listen(server, options);
  logger.info({ instance: name, origin, storeId: journal.storeId }, "instance host listens");

  async function stop(): Promise<void> {
    const drained = tasks.drain();
    tasks.interrupt(
      new OrchestratorError("interrupted", `Instance ${name} was stopped before the task was done.`),
    );
    const late = new Promise<void>((resolve) => {
      const stopWaiting = clock.after(STOP_GRACE_MS, resolve);
      void drained.then(stopWaiting);
    });
    await Promise.race([drained, late]);
    await server.close();
  }

  let closed: Promise<void> | undefined;
  return {
    origin,
    stats: () => ({ inFlight: slots.inFlight, queued: Math.max(0, tasks.unfinished - slots.inFlight) }),
    drain: () => tasks.drain(),
    close: () => {
      closed ??= stop();
      return closed;
    },
  };
}

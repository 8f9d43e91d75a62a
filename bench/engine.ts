import { systemClock } from "../src/app/clock.ts";
import { systemProcesses } from "../src/app/processes.ts";
import { systemIds } from "../src/app/system.ts";
import type { Instance } from "../src/core/instance.ts";
import type { Logger, Store } from "../src/core/ports.ts";
import { createEngine, type Engine } from "../src/engine/engine.ts";
import { createInstanceClients } from "../src/instances/clients.ts";

export const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** An engine as it is shipped, over a store and instances of the benchmark. */
export function benchEngine(store: Store, instances: readonly Instance[]): Engine {
  return createEngine({
    clock: systemClock,
    random: Math.random,
    logger,
    ids: systemIds,
    processes: systemProcesses(),
    store,
    clients: createInstanceClients({ clock: systemClock, logger, env: {}, fleetKey: () => undefined }),
    configured: () => instances,
    settings: () => ({ timeoutMs: 600_000, waitMs: 45_000, retries: 3, healthIntervalMs: 60_000 }),
  });
}

export function instanceAt(name: string, port: number): Instance {
  const origin = `http://127.0.0.1:${port}`;
  return { name, url: origin, origin, protocol: "rest", tags: [], source: "config" };
}

import type { Instance } from "../core/instance.ts";
import type {
  Clock,
  Ids,
  InstanceClients,
  Logger,
  Members,
  Processes,
  Random,
  Store,
} from "../core/ports.ts";
import type { Selector } from "../core/selector.ts";
import type { Retention } from "./run-keys.ts";

/** Defaults of the calls, in milliseconds; read at each call, so that a changed config takes effect. */
export interface Settings {
  timeoutMs: number;
  waitMs: number;
  retries: number;
  healthIntervalMs: number;
  /** What is kept of ended runs: 7 days, 10,000 runs, 2 GiB unless told otherwise. */
  retention?: Partial<Retention>;
  /** Who is meant where a call names nobody. */
  targets?: Selector;
  /** How many `*` may pick for a model that has not confirmed it; 20 unless told otherwise. */
  confirmAbove?: number;
}

/** All that the engine needs of the world. */
export interface EngineDependencies {
  clock: Clock;
  random: Random;
  logger: Logger;
  ids: Ids;
  processes: Processes;
  store: Store;
  clients: InstanceClients;
  /** The instances of the configuration. */
  configured: () => readonly Instance[];
  /** The cluster, where one is known. */
  members?: Members;
  settings: () => Settings;
}

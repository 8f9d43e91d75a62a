import { join } from "node:path";
import { createMembers } from "../cluster/members.ts";
import type { Config } from "../config/config.ts";
import { ConfigSource } from "../config/source.ts";
import type { Logger, Members, Store } from "../core/ports.ts";
import { createEngine, type WholeEngine } from "../engine/engine.ts";
import { createInstanceClients } from "../instances/clients.ts";
import { lazyStore } from "../store/lazy.ts";
import { stateFolder } from "../store/location.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { systemClock } from "./clock.ts";
import { createLogger } from "./logger.ts";
import { systemProcesses } from "./processes.ts";
import { systemIds } from "./system.ts";

export type Env = Record<string, string | undefined>;

export interface AppOptions {
  /** `--config`. */
  config?: string | undefined;
  /** What a configuration file would say, in place of any. */
  settings?: unknown;
  env?: Env;
  /** Level of the logs where `ORCHESTRATOR_LOG_LEVEL` names none. */
  logLevel?: string;
  /** Called when a changed configuration has been taken up. */
  onConfig?: (config: Config) => void;
  /** Where the fleet's members are found, given the configured cluster; that one itself unless told otherwise. */
  members?: (configured: Members, config: ConfigSource) => Members;
}

/** The wired engine and what it was wired from. */
export interface App {
  engine: WholeEngine;
  config: ConfigSource;
  logger: Logger;
  store: Store;
  /** Where state is kept. */
  stateDir: string;
  /** The keys of the environment, read when they are used. */
  keys: Keys;
  close(graceMs?: number): Promise<void>;
}

export interface Keys {
  apiKey: () => string | undefined;
  fleetKey: () => string | undefined;
}

export function keysOf(env: Env): Keys {
  const apiKey = () => env.ORCHESTRATOR_API_KEY || undefined;
  return { apiKey, fleetKey: () => env.ORCHESTRATOR_FLEET_KEY || apiKey() };
}

/** Wires the engine: configuration in, use cases out. Nothing is opened or asked before it is needed. */
export function createApp({
  config: named,
  settings,
  env = process.env,
  logLevel,
  onConfig,
  members = (configured) => configured,
}: AppOptions = {}): App {
  const logger = createLogger(env, logLevel);
  const config = new ConfigSource({ named, settings, env, logger, ...(onConfig && { onChange: onConfig }) });
  const stateDir = stateFolder(env);
  const keys = keysOf(env);
  const store = lazyStore(() =>
    openSqliteStore({
      path: join(stateDir, "orchestrator.db"),
      clock: systemClock,
      logger,
      // What is stored can be read also while the configuration is wrong.
      durability: config.known?.durability ?? "normal",
    }),
  );
  const cluster = currentCluster(config, keys);
  const engine = createEngine({
    clock: systemClock,
    random: Math.random,
    logger,
    ids: systemIds,
    processes: systemProcesses(),
    store,
    clients: createInstanceClients({ clock: systemClock, logger, env, fleetKey: keys.fleetKey }),
    configured: () => config.current().instances,
    members: members(cluster, config),
    settings: () => config.current(),
  });
  return {
    engine,
    config,
    logger,
    store,
    stateDir,
    keys,
    async close(graceMs) {
      config.close();
      await engine.close(graceMs);
      await cluster.close();
    },
  };
}

/** The members of the cluster that the configuration names now; none where it names no cluster. */
function currentCluster(config: ConfigSource, { apiKey }: Keys): Members & { close(): Promise<void> } {
  let current: { url: string; members: ReturnType<typeof createMembers> } | undefined;
  return {
    async list(kind) {
      const url = config.current().clusterUrl;
      if (url === undefined) return [];
      if (current?.url !== url) {
        await current?.members.close();
        current = { url, members: createMembers({ url, apiKey }) };
      }
      return current.members.list(kind);
    },
    close: async () => current?.members.close(),
  };
}

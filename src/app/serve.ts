import { join } from "node:path";
import type { Running } from "../cli/actions.ts";
import { createLeaseTable, type LeaseTable } from "../cluster/leases.ts";
import type { ConfigSource } from "../config/source.ts";
import { fleetCredential } from "../core/fleet-key.ts";
import { type AcceptedKey, hashKey } from "../core/keys.ts";
import type { Members } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import { type InstanceApi, openInstanceApi } from "../host/instance-api.ts";
import { serve } from "../http/serve.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { type App, createApp, type Env } from "./app.ts";
import { systemClock } from "./clock.ts";
import { type FleetWorkerOptions, fleetWorker } from "./fleet-worker.ts";
import { joinCluster, type Membership } from "./join-cluster.ts";
import { mcpEndpoint } from "./mcp-endpoint.ts";
import { registerSkill, UNREGISTERED } from "./register-skill.ts";
import { serverGuards } from "./server-guards.ts";
import { systemIds } from "./system.ts";

/** A fleet that answers as one instance may have many tasks at once: all it does is wait for them. */
const TASKS_AT_ONCE = 256;

export interface ServeOptions {
  config?: string | undefined;
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  version: string;
  /** This fleet as an instance of another one. */
  instance?: FleetInstance | undefined;
  env?: Env;
}

export interface FleetInstance extends FleetWorkerOptions {
  /** The cluster of the other fleet, to register with. */
  cluster?: string;
  /** The URL under which that fleet reaches it, where that is not what it listens on. */
  url?: string;
  tags?: string[];
}

/** Starts `orchestrator serve`: the Orchestrator API and MCP over the engine, the Cluster API, and the Instance API. */
export async function startServe({
  config: named,
  host,
  port,
  version,
  instance,
  env = process.env,
}: ServeOptions): Promise<Running & { origin: string }> {
  let onChange = () => {};
  const leases = createLeaseTable({ clock: systemClock, ids: systemIds, onChange: () => onChange() });
  const app = createApp({
    config: named,
    env,
    members: (others, config) => ({
      ...ownAndOthers(leases, config, others),
      watch: (listener) => {
        onChange = listener;
      },
    }),
  });
  let origin = "";
  try {
    const { config, logger, engine } = app;
    const settings = config.current();
    const nested = instance && (await openNested(app, engine, instance));
    const guards = serverGuards(app);
    const served = await serve({
      ...{ host, port, version, engine, leases, logger, ...guards },
      clock: systemClock,
      keys: () => [...guards.keys(), ...instanceKey(app, instance, origin)],
      allowedHosts: () => [...guards.allowedHosts(), ...hostOf(instance?.url)],
      mcp: mcpEndpoint(app, version),
      ...(settings.clusterAllow && { allow: settings.clusterAllow }),
      ...(nested && { instance: nested.api }),
    });
    origin = served.origin;
    engine.start();
    const skill = registerSkill(app, UNREGISTERED, otherCluster(config));
    const member = nested && (await nested.join(served.origin));
    return {
      origin: served.origin,
      async stop(graceMs) {
        served.drain();
        await Promise.all([skill.close(), member?.leave()]);
        await nested?.drain(graceMs);
        await app.close(graceMs);
        await served.close();
        await nested?.close();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }

  function instanceKey({ keys }: App, own: FleetInstance | undefined, at: string): AcceptedKey[] {
    const fleetKey = keys.fleetKey();
    if (!own || fleetKey === undefined || at === "") return [];
    const key = fleetCredential(fleetKey, own.name, new URL(own.url ?? at).origin);
    return [{ name: own.name, hash: hashKey(key), scopes: ["send"] }];
  }
}

function hostOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname];
}

/** The cluster that somebody named: this one is a cluster by itself. */
function otherCluster(config: ConfigSource): string | undefined {
  const { clusterUrl, clusterAssumed } = config.current();
  return clusterAssumed ? undefined : clusterUrl;
}

/** The members that registered here, and those of another cluster that the configuration names. */
function ownAndOthers(leases: LeaseTable, config: ConfigSource, others: Members): Members {
  return {
    async list(kind) {
      const own = leases.list(kind);
      if (otherCluster(config) === undefined) return own;
      try {
        return [...own, ...(await others.list(kind))];
      } catch (error) {
        if (own.length > 0) return own;
        throw error;
      }
    },
  };
}

/** This fleet as an instance: its journal, its API, and its place in the other fleet's cluster. */
async function openNested({ stateDir, logger, config, keys }: App, engine: Engine, own: FleetInstance) {
  const { name, cluster, url, tags = [] } = own;
  const folder = join(stateDir, "instances", name);
  const store = await openSqliteStore({
    path: join(folder, "journal.db"),
    clock: systemClock,
    logger,
    exclusive: true,
    durability: config.current().durability,
  });
  const worker = fleetWorker(engine, own);
  const api: InstanceApi = await openInstanceApi({
    ...{ name, worker, store, logger },
    clock: systemClock,
    ids: systemIds,
    concurrency: TASKS_AT_ONCE,
  });
  return {
    api,
    join: (origin: string): Promise<Membership> =>
      joinCluster({
        ...{ name, tags, folder, logger },
        url: url ?? origin,
        clusterUrl: cluster,
        apiKey: keys.apiKey,
      }),
    async drain(graceMs: number): Promise<void> {
      const stopWaiting = new Promise<void>((resolve) => systemClock.after(graceMs, resolve));
      await Promise.race([api.drain(), stopWaiting]);
      await api.stop();
    },
    close: () => store.close(),
  };
}

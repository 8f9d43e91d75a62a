import { join } from "node:path";
import { OrchestratorError } from "../core/errors.ts";
import { fleetCredential } from "../core/fleet-key.ts";
import { instanceUrl, NAME } from "../core/instance.ts";
import { createHost } from "../host/host.ts";
import type { Worker } from "../host/worker.ts";
import { type GroupRecords, openGroupRecords } from "../host/workers/group-records.ts";
import { stateFolder } from "../store/location.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Durability } from "../store/sqlite-connection.ts";
import { type Env, keysOf } from "./app.ts";
import { systemClock } from "./clock.ts";
import { joinCluster } from "./join-cluster.ts";
import { createLogger } from "./logger.ts";
import { identify } from "./processes.ts";
import { systemIds } from "./system.ts";

export interface InstanceOptions {
  name: string;
  /** Makes the worker; it is called once the name is known to be good. */
  worker: (logger: ReturnType<typeof createLogger>, groups: GroupRecords) => Promise<Worker>;
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  /** The URL under which others reach it, where that is not what it listens on. */
  url?: string | undefined;
  tags: string[];
  clusterUrl?: string | undefined;
  /** Of its journal. */
  durability: Durability;
  concurrency?: number | undefined;
  queue?: number | undefined;
  /** The variable that holds a key which callers may use besides the fleet's. */
  apiKeyEnv?: string | undefined;
  env?: Env;
}

export interface RunningInstance {
  name: string;
  url: string;
  /** Resolves when the cluster has first granted a lease. */
  registered: Promise<void>;
  /** Finishes what runs and refuses new work, then stops; `graceMs` bounds the finishing. */
  stop(graceMs: number): Promise<void>;
}

/** Starts an instance host over a worker, and keeps it registered with the cluster. */
export async function startInstance(options: InstanceOptions): Promise<RunningInstance> {
  const { name, env = process.env } = options;
  checkOptions(options);
  const logger = createLogger(env);
  const keys = keysOf(env);
  const folder = join(stateFolder(env), "instances", name);
  const store = await openSqliteStore({
    path: join(folder, "journal.db"),
    clock: systemClock,
    logger,
    exclusive: true,
    durability: options.durability,
  });
  // The journal is ours alone by now, so what is recorded there was left by a process that is gone.
  const groups = await openGroupRecords({ folder: join(folder, "processes"), identify, logger });
  const worker = await options.worker(logger, groups);
  const own = options.apiKeyEnv === undefined ? undefined : env[options.apiKeyEnv];
  const fleetKey = keys.fleetKey();
  // Nobody is let in before the origin is known, and with it the key.
  const advertised = options.url === undefined ? undefined : new URL(options.url).hostname;
  let accepted = fleetKey || own ? [systemIds.random()] : [];
  const host = await createHost({
    name,
    worker,
    store,
    clock: systemClock,
    logger,
    ids: systemIds,
    host: options.host,
    port: options.port,
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
    ...(options.queue !== undefined && { queue: options.queue }),
    ...(advertised !== undefined && { allowedHosts: () => [advertised] }),
    keys: () => accepted,
  });
  const url = options.url ?? host.origin;
  accepted = [
    ...(fleetKey ? [fleetCredential(fleetKey, name, new URL(url).origin)] : []),
    ...(own ? [own] : []),
  ];
  const member = await joinCluster({ ...options, url, folder, apiKey: keys.apiKey, logger });
  return {
    name,
    url,
    registered: member.registered,
    async stop(graceMs) {
      // Others hear that it is leaving before it refuses them.
      await member.leave();
      const stopWaiting = new Promise<void>((resolve) => systemClock.after(graceMs, resolve));
      await Promise.race([host.drain(), stopWaiting]);
      await host.close();
      await worker.close();
      await store.close();
    },
  };
}

function checkOptions({ name, url, apiKeyEnv, env = process.env }: InstanceOptions): void {
  if (!NAME.test(name)) {
    throw new OrchestratorError("bad_request", `--name: "${name}" is no name of an instance.`, {
      action: "Use 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.",
    });
  }
  const problem = url === undefined ? undefined : instanceUrl.safeParse(url).error?.issues[0]?.message;
  if (problem !== undefined) throw new OrchestratorError("bad_request", `--url: ${problem}.`);
  if (apiKeyEnv !== undefined && !env[apiKeyEnv]) {
    throw new OrchestratorError("bad_request", `--api-key-env: the variable ${apiKeyEnv} is not set.`);
  }
}

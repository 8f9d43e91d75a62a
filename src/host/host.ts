import { adminKey } from "../core/keys.ts";
import { listen } from "../server/listen.ts";
import { createServer } from "../server/server.ts";
import { type InstanceApi, type InstanceApiOptions, openInstanceApi } from "./instance-api.ts";

/** Bytes of a task's or message's body. */
const BODY_LIMIT = 8 * 1024 * 1024;

export interface HostOptions extends InstanceApiOptions {
  /** Accepted bearer keys; none means that no key is needed, on loopback only. */
  keys: () => readonly string[];
  /** Address to listen on, and port (0 for the kernel's choice). */
  host: string;
  port: number;
  /** Names, without port, that `Host` may carry besides the address. */
  allowedHosts?: () => readonly string[];
}

export interface Host extends Pick<InstanceApi, "stats" | "drain"> {
  readonly origin: string;
  /** Stops: what still runs is told to, and ends as `interrupted`. Leaves worker and store to their owner. */
  close(): Promise<void>;
}

/**
 * Starts an instance host: the Instance API over one worker.
 *
 * @throws OrchestratorError `store_unavailable`, and what `listen` throws.
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const { name, logger, keys, allowedHosts } = options;
  const api = await openInstanceApi(options);
  const server = createServer({
    logger,
    keys: () => keys().filter(Boolean).map(adminKey),
    bodyLimit: BODY_LIMIT,
    ...(allowedHosts && { allowedHosts }),
  });
  api.addTo(server);
  const origin = await listen(server, options);
  logger.info({ instance: name, origin, storeId: api.storeId }, "instance host listens");
  let closed: Promise<void> | undefined;
  return {
    origin,
    stats: api.stats,
    drain: api.drain,
    close: () => {
      closed ??= api.stop().then(() => server.close());
      return closed;
    },
  };
}

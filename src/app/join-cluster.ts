import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRegistration } from "../cluster/client.ts";
import type { Logger } from "../core/ports.ts";
import { systemClock } from "./clock.ts";

export interface Membership {
  /** Resolves when the cluster has first granted a lease. */
  registered: Promise<void>;
  leave(): Promise<void>;
}

/**
 * Keeps an instance registered with the cluster, where there is one. The lease is kept beside the
 * journal: with it a restarted instance may claim its name from a new port.
 */
export async function joinCluster(member: {
  name: string;
  url: string;
  tags: string[];
  clusterUrl?: string | undefined;
  /** The instance's own folder. */
  folder: string;
  apiKey: () => string | undefined;
  logger: Logger;
}): Promise<Membership> {
  const { name, url, tags, clusterUrl, folder, apiKey, logger } = member;
  if (clusterUrl === undefined) return { registered: new Promise(() => {}), leave: async () => {} };
  const leaseFile = join(folder, "lease");
  const leaseId = (await readFile(leaseFile, "utf8").catch(() => "")).trim();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let granted = () => {};
  const registered = new Promise<void>((resolve) => {
    granted = resolve;
  });
  const registration = createRegistration({
    url: clusterUrl,
    body: { instanceId: name, url, protocol: "rest", tags, ...(leaseId && { leaseId }) },
    apiKey,
    clock: systemClock,
    random: Math.random,
    logger,
    onLease(lease) {
      granted();
      writeFile(leaseFile, lease, { mode: 0o600 }).catch((error: unknown) =>
        logger.warn({ err: error, leaseFile }, "the lease could not be kept"),
      );
    },
  });
  registration.start();
  return { registered, leave: () => registration.close() };
}

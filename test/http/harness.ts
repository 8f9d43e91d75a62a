import { systemIds } from "../../src/app/system.ts";
import { createLeaseTable } from "../../src/cluster/leases.ts";
import { type Served, type ServeOptions, serve } from "../../src/http/serve.ts";
import { testEngine } from "../engine/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { recordingLogger } from "../support/logger.ts";

/** What `orchestrator serve` serves, on a port of the kernel's choice; the test closes it. */
export async function startServer({
  clock = systemClock,
  ...options
}: Partial<ServeOptions> = {}): Promise<Served> {
  return serve({
    host: "127.0.0.1",
    port: 0,
    version: "0.0.0",
    keys: () => [],
    logger: recordingLogger(),
    clock,
    leases: createLeaseTable({ clock, ids: systemIds }),
    engine: options.engine ?? testEngine().engine,
    requestsPerMinute: () => 0,
    ...options,
  });
}

// An engine in a process of its own: `send-process.ts STORE URL SESSION DATA` sends one message to a
// session of instance A and waits for the answer.
import { systemProcesses } from "../../src/app/processes.ts";
import type { Instance } from "../../src/core/instance.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { systemClock } from "../host/harness-clock.ts";
import { recordingLogger } from "../support/logger.ts";

const [file = "", url = "", sessionId = "", data = ""] = process.argv.slice(2);
const clock = systemClock;
const logger = recordingLogger();
const a: Instance = {
  name: "A",
  url,
  origin: new URL(url).origin,
  protocol: "rest",
  tags: [],
  source: "config",
};
const engine = createEngine({
  clock,
  logger,
  random: Math.random,
  ids: { random: () => crypto.randomUUID(), hash: (secret) => secret },
  processes: systemProcesses(),
  store: await openSqliteStore({ path: file, clock, logger }),
  clients: createInstanceClients({ clock, logger, env: {}, fleetKey: () => undefined }),
  configured: () => [a],
  settings: () => ({ timeoutMs: 60_000, waitMs: 60_000, retries: 0, healthIntervalMs: 60_000 }),
});
setInterval(() => {}, 60_000);
process.stdout.write("ready\n");
await engine.sessionsSend({ sessionId, data, queue: true, fresh: false }, { createdBy: "process" });

import { createInterface } from "node:readline";
import { systemClock } from "../../src/app/clock.ts";
import { systemProcesses } from "../../src/app/processes.ts";
import { systemIds } from "../../src/app/system.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Instance } from "../../src/core/instance.ts";
import * as requests from "../../src/core/requests.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { lazyStore } from "../../src/store/lazy.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import type { Command, OrchestratorFacts, Reply } from "./messages.ts";
import { sabotagedClients, sabotagedStore, stamped } from "./sabotage.ts";
import { REPLY_LIMIT } from "./sizes.ts";

// The real engine in a process of its own: calls come as lines of JSON on standard input, answers go
// as lines of JSON to standard output. At the end of its input it closes in good order.

const facts = JSON.parse(process.argv[2] as string) as OrchestratorFacts;
const clock = systemClock;
const logger = recordingLogger();
const fleet = Object.entries(facts.fleet).map(
  ([name, { url, keyFile }]): Instance => ({
    name,
    url,
    origin: new URL(url).origin,
    protocol: "rest",
    tags: [],
    ...(keyFile !== undefined && { credential: { from: "file", path: keyFile } }),
    source: "config",
  }),
);
const clients = createInstanceClients({
  clock,
  logger,
  env: {},
  fleetKey: () => undefined,
  // An instance that hangs is given up before the deadline now and then.
  limits: { graceMs: 1_500, bodyLimit: REPLY_LIMIT },
});
const engine = createEngine({
  clock,
  logger,
  random: Math.random,
  ids: systemIds,
  processes: systemProcesses(),
  // As the program has it: a process that was stopped in the middle of a write holds the file for as long.
  store: sabotagedStore(
    lazyStore(() => openSqliteStore({ path: facts.store, clock, logger })),
    facts.sabotage,
  ),
  clients: sabotagedClients(stamped(clients), facts.sabotage),
  configured: () => fleet,
  settings: () => ({ timeoutMs: 8_000, waitMs: 8_000, retries: 3, healthIntervalMs: 600 }),
});
engine.start();

function call({ operation, input, createdBy }: Command): Promise<object> {
  const context = { createdBy };
  switch (operation) {
    case "delegate":
      return engine.delegate(requests.delegateInput.parse(input), context);
    case "fanout":
      return engine.fanout(requests.fanoutInput.parse(input), context);
    case "orchestrate":
      return engine.orchestrate(requests.orchestrateInput.parse(input), context);
    case "spawn":
      return engine.sessionsSpawn(requests.sessionsSpawnInput.parse(input), context);
    case "send":
      return engine.sessionsSend(requests.sessionsSendInput.parse(input), context);
    case "get":
      return engine.runsGet(requests.runsGetInput.parse(input));
    case "cancel":
      return engine.runsCancel(requests.runsCancelInput.parse(input));
  }
}

async function serve(command: Command): Promise<void> {
  const { id } = command;
  const reply = await call(command).then(
    (answer): Reply => ({ id, answer: { ...answer } }),
    (error: unknown): Reply => ({ id, error: OrchestratorError.from(error).toBody() }),
  );
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

createInterface({ input: process.stdin })
  .on("line", (line) => void serve(JSON.parse(line)))
  .on("close", async () => {
    await engine.close(15_000);
    process.exit(0);
  });
process.stdout.write(`${JSON.stringify({ ready: process.pid })}\n`);

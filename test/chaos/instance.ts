import { systemClock } from "../../src/app/clock.ts";
import { systemIds } from "../../src/app/system.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import { createHost } from "../../src/host/host.ts";
import type { Worker } from "../../src/host/worker.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import { append, type LedgerLine } from "./ledger.ts";
import type { InstanceFacts, TaskPayload } from "./messages.ts";
import { replyPad } from "./sizes.ts";

// The real instance host over a worker that writes each execution to the ledger, in a process of its own.

const facts = JSON.parse(process.argv[2] as string) as InstanceFacts;
const clock = systemClock;
const logger = recordingLogger();

const worker: Worker = {
  description: { does: "Notes what it does.", payload: "what the chaos test sends", example: {} },
  async run({ payload, cancellation }) {
    const { callId, key, ms, fail, over } = payload as unknown as TaskPayload;
    const execution = systemIds.random();
    const note = (event: LedgerLine["event"]) =>
      append(facts.ledger, { event, execution, instance: facts.name, key, callId });
    note("start");
    await new Promise<void>((resolve) => {
      const stop = clock.after(ms, resolve);
      cancellation.onCancel(() => {
        stop();
        resolve();
      });
    });
    if (cancellation.error) {
      note("cancelled");
      throw cancellation.error;
    }
    note(fail ? "failed" : "done");
    if (fail) throw new OrchestratorError("instance_error", "This task fails.");
    return { result: { callId, instance: facts.name, execution, ...replyPad(over) } };
  },
  close: async () => {},
};

const host = await createHost({
  name: facts.name,
  store: await openSqliteStore({ path: facts.journal, clock, logger, exclusive: true }),
  worker,
  clock,
  logger,
  ids: systemIds,
  keys: () => [],
  host: "127.0.0.1",
  port: facts.port,
  concurrency: 8,
});
process.stdout.write(`${JSON.stringify({ ready: host.origin })}\n`);
process.stdin.resume().on("end", async () => {
  await host.drain();
  await host.close();
  process.exit(0);
});

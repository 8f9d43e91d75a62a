import { appendFileSync } from "node:fs";
import { createHost } from "../../src/host/host.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import { systemClock } from "./harness-clock.ts";

// A host in a process of its own: `host-process.ts JOURNAL RUNS [PORT]`. It notes each task that its
// worker begins in RUNS, never ends one that is "hang", and prints its origin.
const [journal = "", runs = "", port = "0"] = process.argv.slice(2);
const clock = systemClock;
const logger = recordingLogger();
const host = await createHost({
  name: "A",
  store: await openSqliteStore({ path: journal, clock, logger, exclusive: true }),
  worker: {
    description: { does: "Notes and echoes.", payload: "text", example: "hello" },
    async run({ payload, session }) {
      appendFileSync(runs, `${JSON.stringify(payload)}\n`);
      if (payload === "hang") await new Promise(() => {});
      const state = [...((session?.state as string[] | undefined) ?? []), String(payload)];
      return { result: session ? state : payload, state };
    },
    close: async () => {},
  },
  clock,
  logger,
  ids: { random: () => crypto.randomUUID() },
  keys: () => [],
  host: "127.0.0.1",
  port: Number(port),
});
process.stdout.write(`${host.origin}\n`);

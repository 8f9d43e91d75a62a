import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/app/clock.ts";
import { fanoutInput } from "../src/core/requests.ts";
import { openSqliteStore } from "../src/store/sqlite.ts";
import { benchEngine, instanceAt, logger } from "./engine.ts";

// One fan-out over many instances with large answers, in a process of its own so that its memory is its
// alone. Prints the most that was resident, in MiB over what was resident before, as JSON.

const [count = 0, bytes = 0, strategy = "numeric", detail = "brief"] = process.argv
  .slice(2)
  .map((word) => (/^\d+$/.test(word) ? Number(word) : word)) as [number, number, "numeric", "brief"];

const server = fork(new URL("./aggregate-instance.js", import.meta.url), [String(bytes)]);
const [port] = (await once(server, "message")) as [number];
const folder = await mkdtemp(join(tmpdir(), "orchestrator-bench-"));
const store = await openSqliteStore({ path: join(folder, "bench.db"), clock: systemClock, logger });
const instances = Array.from({ length: count }, (_, index) => instanceAt(`n${index + 1}`, port));
const engine = benchEngine(store, instances);
const residentMiB = () => process.memoryUsage.rss() / 2 ** 20;

// Whatever is loaded on first use is loaded before.
await engine.fanout(fanoutInput.parse({ targets: ["n1"], payload: 1, aggregate: "first" }), {
  createdBy: "bench",
});
globalThis.gc?.();
const before = residentMiB();
let most = before;
const timer = setInterval(() => {
  most = Math.max(most, residentMiB());
}, 10);
const startedAt = performance.now();
const answer = await engine.fanout(
  fanoutInput.parse({
    ...{ targets: ["*"], payload: 1, detail, wait: "10m", concurrency: 16 },
    aggregate: strategy === "numeric" ? { strategy, path: "score" } : { strategy },
  }),
  { createdBy: "bench" },
);
const ms = Math.round(performance.now() - startedAt);
clearInterval(timer);
most = Math.max(most, residentMiB());
const done = "counts" in answer ? answer.counts.done : 0;
console.log(JSON.stringify({ count, done, ms, before: Math.round(before), most: Math.round(most - before) }));
await engine.close();
server.disconnect();
await rm(folder, { recursive: true, force: true });

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/app/clock.ts";
import { systemProcesses } from "../../src/app/processes.ts";
import { systemIds } from "../../src/app/system.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import * as requests from "../../src/core/requests.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { Child } from "./child.ts";

// What many delegates leave behind in a process: `leak.js '{"instance":SCRIPT,"calls":N,"plant":PLANT}'`
// prints heap and handles before and after. With `plant` it keeps answers, or sockets, on purpose.

interface LeakFacts {
  instance: string;
  calls: number;
  plant?: "answers" | "listeners";
}

const { instance: script, calls, plant } = JSON.parse(process.argv[2] as string) as LeakFacts;
const AT_ONCE = 16;
const WARM_UP = 2_000;
const LOOKS = 8;

const folder = await mkdtemp(join(tmpdir(), "leak-"));
const child = new Child(script, {});
const url = String(await child.ready);
const clock = systemClock;
const silent = () => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const engine = createEngine({
  clock,
  logger,
  random: Math.random,
  ids: systemIds,
  processes: systemProcesses(),
  store: await openSqliteStore({ path: join(folder, "store.db"), clock, logger }),
  clients: createInstanceClients({ clock, logger, env: {}, fleetKey: () => undefined }),
  configured: () => [
    { name: "A", url, origin: new URL(url).origin, protocol: "rest", tags: [], source: "config" },
  ],
  settings: () => ({ timeoutMs: 20_000, waitMs: 20_000, retries: 3, healthIntervalMs: 1_000 }),
});
engine.start();

/** One client of a long-lived connection: nothing of a call may stay with it. */
const cancellation = new Cancellation();
const kept: unknown[] = [];

async function delegates(count: number): Promise<void> {
  let left = count;
  const input = requests.delegateInput.parse({ instances: ["A"], payload: { text: "x".repeat(100) } });
  const lane = async () => {
    while (left-- > 0) {
      const answer = await engine.delegate(input, { createdBy: "leak", cancellation });
      if (plant === "answers") kept.push(answer);
      if (plant === "listeners") cancellation.onCancel(() => kept.push(answer));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** Once nothing is under way: bytes of heap, and what keeps the process busy by kind. */
async function measure() {
  // Longer than an idle connection is kept.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (let pass = 0; pass < 4; pass++) globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const looks: Awaited<ReturnType<typeof look>>[] = [];
  for (let times = 0; times < LOOKS; times++) {
    await new Promise((resolve) => setTimeout(resolve, 130));
    looks.push(await look());
  }
  // A poll of health may be under way at any one of them; what was left behind is there at each.
  const least = (of: keyof (typeof looks)[number]) => Math.min(...looks.map((each) => each[of]));
  return {
    heap,
    resources: least("resources"),
    timers: least("timers"),
    descriptors: least("descriptors"),
  };
}

async function look() {
  const descriptors = await readdir("/proc/self/fd").catch(() => []);
  const active = process.getActiveResourcesInfo();
  const timers = active.filter((kind) => kind === "Timeout").length;
  return { resources: active.length - timers, timers, descriptors: descriptors.length };
}

await delegates(WARM_UP);
const before = await measure();
await delegates(calls);
const after = await measure();
process.stdout.write(`${JSON.stringify({ before, after })}\n`);
await engine.close();
await child.finish(5_000);
await rm(folder, { recursive: true, force: true });
process.exit(0);

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { systemClock } from "../src/app/clock.ts";
import { delegateInput, fanoutInput } from "../src/core/requests.ts";
import type { Engine } from "../src/engine/engine.ts";
import { createMemoryStore } from "../src/store/memory.ts";
import { openSqliteStore } from "../src/store/sqlite.ts";
import { aggregates } from "./aggregates.ts";
import { benchEngine, instanceAt, logger } from "./engine.ts";
import { compare, type Figures } from "./measure.ts";
import { report } from "./report.ts";

// Every figure stands beside a raw one of the same run: undici's Pool, a POST and its JSON body. Both
// sides talk to the same servers, which run in a process of their own.

const MOST = 64;
const payload = { query: "what is the retry policy", limit: 10 };
const context = { createdBy: "bench" };

const server = fork(new URL("./instance.js", import.meta.url), [String(MOST)]);
const [ports] = (await once(server, "message")) as [number[]];
const instances = ports.map((port, index) => instanceAt(`n${index + 1}`, port));
const pools = instances.map(({ origin }) => new Pool(origin));
const folder = await mkdtemp(join(tmpdir(), "orchestrator-bench-"));
const memory = benchEngine(createMemoryStore({ clock: systemClock }), instances);
const sqlite = benchEngine(
  await openSqliteStore({ path: join(folder, "bench.db"), clock: systemClock, logger }),
  instances,
);

try {
  const met = report([
    await delegates("delegate, memory store", memory, 1.5),
    await delegates("delegate, SQLite journal", sqlite),
    await compare(
      "delegate, SQLite journal",
      { raw: () => delegateBy(memory), ours: () => delegateBy(sqlite) },
      { calls: 300, against: "memory store" },
    ),
    await fanouts(8, memory),
    await fanouts(64, memory, 1.2),
    ...(await aggregates()),
  ]);
  if (!met) process.exitCode = 1;
} finally {
  await Promise.all([memory.close(), sqlite.close(), ...pools.map((pool) => pool.close())]);
  server.disconnect();
  await rm(folder, { recursive: true, force: true });
}

async function post(pool: Pool): Promise<unknown> {
  const { body } = await pool.request({
    path: "/api/tasks",
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ payload }),
  });
  return body.json();
}

function delegates(name: string, engine: Engine, goal?: number): Promise<Figures> {
  const raw = () => post(pools[0] as Pool);
  return compare(name, { raw, ours: () => delegateBy(engine) }, { calls: 300, goal });
}

function delegateBy(engine: Engine): Promise<unknown> {
  return engine.delegate(delegateInput.parse({ instances: ["n1"], payload }), context);
}

function fanouts(width: number, engine: Engine, goal?: number): Promise<Figures> {
  const raw = () => Promise.all(pools.slice(0, width).map(post));
  const targets = instances.slice(0, width).map(({ name }) => name);
  const ours = () => engine.fanout(fanoutInput.parse({ targets, payload }), context);
  return compare(`fanout to ${width}, memory store`, { raw, ours }, { calls: Math.ceil(640 / width), goal });
}

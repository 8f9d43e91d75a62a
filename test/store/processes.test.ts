import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { fakeClock } from "../support/clock.ts";
import { recordingLogger } from "../support/logger.ts";
import { spawnWorker } from "./spawn-worker.ts";

const PROCESSES = ["p", "q", "r", "s"];
const ROUNDS = 150;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "store-processes-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("loses nothing when four processes make and write one file at once", async () => {
  const file = path.join(folder, "state", "state.db");
  const workers = PROCESSES.map((id) => spawnWorker("compete", file, id, `${ROUNDS}`));
  const results = (await Promise.all(workers.map((worker) => worker.next()))) as { created: number }[];
  expect(await Promise.all(workers.map((worker) => worker.end()))).toEqual([0, 0, 0, 0]);

  const store = await openSqliteStore({ path: file, clock: fakeClock(), logger: recordingLogger() });
  expect((await store.get("counter"))?.value).toBe(`${PROCESSES.length * ROUNDS}`);

  const names = await store.list("name/");
  expect(names).toHaveLength(ROUNDS);
  const wonBy = (id: string) => names.filter((entry) => entry.value === JSON.stringify(id)).length;
  expect(results.map((result) => result.created)).toEqual(PROCESSES.map(wonBy));

  for (const id of PROCESSES) {
    const values = (await store.list(`own/${id}/`)).map((entry) => Number(entry.value));
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: ROUNDS }, (_, i) => i));
  }
  const versions = (await store.list("", { limit: 10_000 })).map((entry) => entry.version);
  expect(new Set(versions).size).toBe(versions.length);
  await store.close();
}, 60_000);

it("keeps what a process wrote that was killed right after", async () => {
  const file = path.join(folder, "state.db");
  const worker = spawnWorker("obey", file);
  await worker.next();
  expect(await worker.call("put", "k", '"written"')).toMatchObject({ result: expect.any(Number) });
  worker.child.kill("SIGKILL");
  await worker.end();

  const store = await openSqliteStore({ path: file, clock: fakeClock(), logger: recordingLogger() });
  expect((await store.get("k"))?.value).toBe('"written"');
  await store.close();
}, 30_000);

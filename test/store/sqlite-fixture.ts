import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Store } from "../../src/core/ports.ts";
import { openSqliteStore, type SqliteOptions } from "../../src/store/sqlite.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { recordingLogger } from "../support/logger.ts";
import { spawnWorker, type Worker } from "./spawn-worker.ts";

export interface SqliteFixture {
  /** A folder of the running test. */
  folder: string;
  /** Where its store is; there is no file yet. */
  file: string;
  clock: FakeClock;
  logger: ReturnType<typeof recordingLogger>;
  open(options?: Partial<SqliteOptions>): Promise<Store>;
  /** Starts a worker on the file. */
  start(task: string): Worker;
}

/** For each test of the calling file: a folder, and stores and processes that end with the test. */
export function sqliteFixture(): SqliteFixture {
  let stores: Store[] = [];
  let workers: Worker[] = [];
  const fixture: SqliteFixture = {
    folder: "",
    file: "",
    clock: fakeClock(),
    logger: recordingLogger(),
    async open(options = {}) {
      const { file, clock, logger } = fixture;
      const store = await openSqliteStore({ path: file, clock, logger, ...options });
      stores.push(store);
      return store;
    },
    start(task) {
      const worker = spawnWorker(task, fixture.file);
      workers.push(worker);
      return worker;
    },
  };
  beforeEach(async () => {
    stores = [];
    workers = [];
    fixture.folder = await mkdtemp(path.join(tmpdir(), "store-sqlite-"));
    fixture.file = path.join(fixture.folder, "state.db");
    fixture.clock = fakeClock();
    fixture.logger = recordingLogger();
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(workers.map((worker) => worker.end()));
    await rm(fixture.folder, { recursive: true, force: true });
  });
  return fixture;
}

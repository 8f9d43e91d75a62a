import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";
import { describeStore } from "./contract.ts";

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "store-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nextFile = () => path.join(folder, `${++files}.db`);

describeStore("the memory store", async (clock) => createMemoryStore({ clock }));

describeStore("the SQLite store", (clock) =>
  openSqliteStore({ path: nextFile(), clock, logger: recordingLogger() }),
);

describeStore("the SQLite store that is held exclusively", (clock) =>
  openSqliteStore({ path: nextFile(), clock, logger: recordingLogger(), exclusive: true }),
);

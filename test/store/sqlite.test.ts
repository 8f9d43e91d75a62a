import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Store } from "../../src/core/ports.ts";
import { connect } from "../../src/store/sqlite-connection.ts";
import { openSqliteStore, type SqliteOptions } from "../../src/store/sqlite.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { recordingLogger } from "../support/logger.ts";
import { spawnWorker, type Worker } from "./spawn-worker.ts";

let folder: string;
let file: string;
let clock: FakeClock;
let logger: ReturnType<typeof recordingLogger>;
let stores: Store[];
let workers: Worker[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "store-sqlite-"));
  file = path.join(folder, "state.db");
  clock = fakeClock();
  logger = recordingLogger();
  stores = [];
  workers = [];
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await Promise.all(workers.map((worker) => worker.end()));
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = await openSqliteStore({ path: file, clock, logger, ...options });
  stores.push(store);
  return store;
}

function start(...args: Parameters<typeof spawnWorker>): Worker {
  const worker = spawnWorker(...args);
  workers.push(worker);
  return worker;
}

const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
const unavailable = (said: string) => ({
  code: "store_unavailable",
  message: expect.stringMatching(said),
  action: expect.any(String),
  details: expect.objectContaining({ path: file }),
});

describe("the file", () => {
  it("is made for this user alone, with its folder and what SQLite keeps beside it", async () => {
    file = path.join(folder, "deep", "er", "state.db");
    const umask = process.umask(0);
    try {
      const store = await open();
      await store.put("k", "1");
    } finally {
      process.umask(umask);
    }
    expect([path.join(folder, "deep"), path.dirname(file)].map(mode)).toEqual(["700", "700"]);
    expect([file, `${file}-wal`, `${file}-shm`].map(mode)).toEqual(["600", "600", "600"]);
  });

  it("is taken away from other users if they could read it", async () => {
    await (await open()).close();
    chmodSync(file, 0o664);
    await open();
    expect(mode(file)).toBe("600");
  });

  it("keeps its records and goes on counting versions when it is opened again", async () => {
    const first = await open();
    const version = (await first.put("k", "1")) as number;
    await first.put("gone", "1");
    await first.delete("gone");
    await first.close();
    const second = await open();
    expect(await second.get("k")).toEqual({ key: "k", value: "1", version });
    expect(await second.get("gone")).toBeUndefined();
    expect(await second.put("k", "2", { ifVersion: version })).toBeGreaterThan(version + 2);
  });

  it("loses its expired and deleted records, when it is opened and as it is written", async () => {
    const store = await open();
    const rows = () => {
      const database = new Database(file);
      const [count] = database.prepare("SELECT count(*) FROM records").raw().get([]) as [number];
      database.close();
      return count;
    };
    for (let i = 0; i < 300; i++) await store.put(`short/${i}`, "1", { expiresAt: clock.now() + 1_000 });
    await store.put("kept", "1");
    await store.put("deleted", "1");
    await store.delete("deleted");
    expect(rows()).toBe(302);
    await clock.advance(1_000);
    for (let i = 0; i < 256; i++) await store.put("kept", `${i}`);
    expect(rows()).toBe(2);
    await store.close();
    await clock.advance(3_600_000);
    await open();
    expect(rows()).toBe(1);
  });

  it.each([
    ["normal", 1],
    ["full", 2],
  ] as const)("is written with the care that durability %s asks for", async (durability, synchronous) => {
    const database = await connect({ path: file, exclusive: false, durability, logger });
    expect(database.prepare("PRAGMA synchronous").raw().get([])).toEqual([synchronous]);
    expect(database.prepare("PRAGMA journal_mode").raw().get([])).toEqual(["wal"]);
    database.close();
  });
});

describe("a file that cannot be used", () => {
  it.each([
    ["text", Buffer.from("no database at all. ".repeat(500))],
    ["a damaged header", Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(5_000, 0xab)])],
  ])("is refused with what to do, and left as it is: %s", async (_, content) => {
    writeFileSync(file, content);
    await expect(open()).rejects.toMatchObject(unavailable("damaged"));
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it("is refused when its pages are damaged", async () => {
    const store = await open();
    for (let i = 0; i < 500; i++) await store.put(`k/${i}`, '"value"');
    await store.close();
    const content = readFileSync(file);
    writeFileSync(file, Buffer.concat([content.subarray(0, 4_096), Buffer.alloc(content.length - 4_096)]));
    await expect(open().then((again) => again.list(""))).rejects.toMatchObject(unavailable("damaged"));
  });

  it("is refused by name and version when a newer program made it", async () => {
    await (await open()).close();
    const database = new Database(file);
    database.exec("PRAGMA user_version = 7");
    database.close();
    const error = unavailable("schema version 7; this program knows version 1");
    await expect(open()).rejects.toMatchObject(error);
    await expect(open()).rejects.toThrow(file);
  });

  it("is refused when it is another program's database, and nothing is added to it", async () => {
    const database = new Database(file);
    database.exec("CREATE TABLE theirs (a); PRAGMA user_version = 1");
    await expect(open()).rejects.toMatchObject(unavailable("another program"));
    expect(database.prepare("SELECT name FROM sqlite_master").raw().all([])).toEqual([["theirs"]]);
    database.close();
  });

  it("is refused when it is a folder", async () => {
    mkdirSync(file);
    await expect(open()).rejects.toMatchObject(unavailable("is a folder, not a file"));
  });

  it("is refused when its folder would lie inside a file", async () => {
    writeFileSync(file, "");
    file = path.join(file, "state.db");
    await expect(open()).rejects.toMatchObject(unavailable("cannot be opened"));
  });

  it.each([
    ["removed", () => rmSync(file)],
    ["replaced", () => renameSync(path.join(folder, "other.db"), file)],
  ])("takes no more writes once it is %s, but can be read", async (_, change) => {
    writeFileSync(path.join(folder, "other.db"), "");
    const store = await open();
    const version = await store.put("k", "1");
    change();
    await expect(store.put("k", "2")).rejects.toMatchObject(unavailable("removed or replaced"));
    await expect(store.delete("k")).rejects.toMatchObject(unavailable("removed or replaced"));
    expect(await store.get("k")).toEqual({ key: "k", value: "1", version });
  });
});

describe("a read-only place", () => {
  const refused = { code: "store_unavailable", message: expect.stringMatching("read-only") };

  it.each([
    ["the file is", 0o444, 0o755],
    ["its folder is", 0o666, 0o555],
    ["both are", 0o444, 0o555],
  ])("can be read and takes no writes: %s", async (_, fileMode, folderMode) => {
    const store = await open();
    const version = await store.put("k", "1");
    await store.close();
    rmSync(`${file}-wal`, { force: true });
    rmSync(`${file}-shm`, { force: true });
    chmodSync(file, fileMode);
    chmodSync(folder, folderMode);
    const worker = start("ordinary-user", file);
    expect(await worker.next()).toBe("open");
    expect(await worker.call("get", "k")).toEqual({ result: { key: "k", value: "1", version } });
    expect(await worker.call("put", "k", "2")).toMatchObject(refused);
    expect(await worker.call("delete", "k")).toMatchObject(refused);
    chmodSync(folder, 0o755);
  }, 30_000);

  it("is refused by name when there is no file yet", async () => {
    chmodSync(folder, 0o555);
    const worker = start("ordinary-user", file);
    expect(await worker.next()).toMatchObject(refused);
    chmodSync(folder, 0o755);
  }, 30_000);
});

describe("an exclusive store", () => {
  const conflict = { code: "conflict", message: expect.stringContaining("state.db is in use by another process") };

  it("is refused to a second one, in this process and in another", async () => {
    const store = await open({ exclusive: true });
    await store.put("k", "1");
    await expect(open({ exclusive: true })).rejects.toMatchObject(conflict);
    const worker = start("exclusive", file);
    expect(await worker.next()).toEqual(conflict);
    expect((await store.get("k"))?.value).toBe("1");
  }, 30_000);

  it("is refused while somebody shares the file", async () => {
    await (await open()).put("k", "1");
    await expect(open({ exclusive: true })).rejects.toMatchObject(conflict);
  });

  it("can be opened again as soon as it is closed", async () => {
    for (const value of ["1", "2", "3"]) {
      const store = await open({ exclusive: true });
      await store.put(`k/${value}`, value);
      await store.close();
    }
    expect(await (await open()).list("k/")).toHaveLength(3);
  });

  it("can be opened again as soon as its process is killed", async () => {
    const worker = start("exclusive", file);
    expect(await worker.next()).toBe("open");
    await worker.call("put", "k", "1");
    worker.child.kill("SIGKILL");
    await worker.end();
    expect((await (await open({ exclusive: true })).get("k"))?.value).toBe("1");
  }, 30_000);
});

describe("the changes of others", () => {
  it("reach a watcher, in order, deletes included, at the next poll", async () => {
    const [store, other] = [await open(), await open()];
    await other.put("w/0", "0");
    const seen: Change[] = [];
    store.watch("w/", (change) => seen.push(change));
    const first = await other.put("w/1", "1");
    await other.put("v/1", "1");
    await other.put("w/2", "gone");
    await other.delete("w/2");
    expect(seen).toEqual([]);
    await clock.advance(50);
    expect(seen).toEqual([
      { key: "w/1", value: "1", version: first },
      { key: "w/2", version: expect.any(Number) },
    ]);
    await store.put("w/3", "mine");
    await other.put("w/3", "theirs");
    await clock.advance(50);
    expect(seen.slice(2).map((change) => change.value)).toEqual(["mine", "theirs"]);
  });

  it("come before an own change that was made later", async () => {
    const [store, other] = [await open(), await open()];
    const seen: Change[] = [];
    store.watch("", (change) => seen.push(change));
    await other.put("a", "theirs");
    await store.put("b", "mine");
    await vi.waitFor(() => expect(seen.map((change) => change.value)).toEqual(["theirs", "mine"]));
  });

  it("are all told, however many there are", async () => {
    const [store, other] = [await open(), await open()];
    const seen: string[] = [];
    store.watch("k/", (change) => seen.push(change.key));
    const written = Array.from({ length: 1_200 }, (_, i) => `k/${i}`);
    for (const key of written) await other.put(key, "1");
    await clock.advance(50);
    expect(seen).toEqual(written);
  });

  it("reach a watcher from another process", async () => {
    const store = await open();
    const seen: Change[] = [];
    store.watch("k", (change) => seen.push(change));
    const worker = start("obey", file);
    await worker.next();
    await worker.call("put", "k", '"é😀"');
    await worker.call("delete", "k");
    await clock.advance(50);
    expect(seen.at(-1)).toEqual({ key: "k", version: expect.any(Number) });
  }, 30_000);
});

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { connect } from "../../src/store/sqlite-connection.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";

const at = sqliteFixture();
const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
const unavailable = (said: string) => ({
  code: "store_unavailable",
  message: expect.stringMatching(said),
  action: expect.any(String),
  details: expect.objectContaining({ path: at.file }),
});

describe("the file", () => {
  it("is made for this user alone, with its folder and what SQLite keeps beside it", async () => {
    at.file = path.join(at.folder, "deep", "er", "state.db");
    const umask = process.umask(0);
    try {
      const store = await at.open();
      await store.put("k", "1");
    } finally {
      process.umask(umask);
    }
    expect([path.join(at.folder, "deep"), path.dirname(at.file)].map(mode)).toEqual(["700", "700"]);
    expect([at.file, `${at.file}-wal`, `${at.file}-shm`].map(mode)).toEqual(["600", "600", "600"]);
  });

  it("is taken away from other users if they could read it", async () => {
    await (await at.open()).close();
    chmodSync(at.file, 0o664);
    await at.open();
    expect(mode(at.file)).toBe("600");
  });

  it("keeps its records and goes on counting versions when it is opened again", async () => {
    const first = await at.open();
    const version = (await first.put("k", "1")) as number;
    await first.put("gone", "1");
    await first.delete("gone");
    await first.close();
    const second = await at.open();
    expect(await second.get("k")).toEqual({ key: "k", value: "1", version });
    expect(await second.get("gone")).toBeUndefined();
    expect(await second.put("k", "2", { ifVersion: version })).toBeGreaterThan(version + 2);
  });

  it("loses its expired and deleted records, when it is opened and as it is written", async () => {
    const store = await at.open();
    const rows = () => {
      const database = new Database(at.file);
      const [count] = database.prepare("SELECT count(*) FROM records").raw().get([]) as [number];
      database.close();
      return count;
    };
    for (let i = 0; i < 300; i++) await store.put(`short/${i}`, "1", { expiresAt: at.clock.now() + 1_000 });
    await store.put("kept", "1");
    await store.put("deleted", "1");
    await store.delete("deleted");
    expect(rows()).toBe(302);
    await at.clock.advance(1_000);
    for (let i = 0; i < 256; i++) await store.put("kept", `${i}`);
    expect(rows()).toBe(2);
    await store.close();
    await at.clock.advance(3_600_000);
    await at.open();
    expect(rows()).toBe(1);
  });

  it.each([
    ["normal", 1],
    ["full", 2],
  ] as const)("is written with the care that durability %s asks for", async (durability, synchronous) => {
    const database = await connect({ path: at.file, exclusive: false, durability, logger: at.logger });
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
    writeFileSync(at.file, content);
    await expect(at.open()).rejects.toMatchObject(unavailable("damaged"));
    expect(readFileSync(at.file).equals(content)).toBe(true);
  });

  it("is refused when its pages are damaged", async () => {
    const store = await at.open();
    for (let i = 0; i < 500; i++) await store.put(`k/${i}`, '"value"');
    await store.close();
    const content = readFileSync(at.file);
    writeFileSync(at.file, Buffer.concat([content.subarray(0, 4_096), Buffer.alloc(content.length - 4_096)]));
    await expect(at.open().then((again) => again.list(""))).rejects.toMatchObject(unavailable("damaged"));
  });

  it("is refused by name and version when a newer program made it", async () => {
    await (await at.open()).close();
    const database = new Database(at.file);
    database.exec("PRAGMA user_version = 7");
    database.close();
    const error = unavailable("schema version 7; this program knows version 1");
    await expect(at.open()).rejects.toMatchObject(error);
    await expect(at.open()).rejects.toThrow(at.file);
  });

  it("is refused when it is another program's database, and nothing is added to it", async () => {
    const database = new Database(at.file);
    database.exec("CREATE TABLE theirs (a); PRAGMA user_version = 1");
    await expect(at.open()).rejects.toMatchObject(unavailable("another program"));
    expect(database.prepare("SELECT name FROM sqlite_master").raw().all([])).toEqual([["theirs"]]);
    database.close();
  });

  it("is refused when it is a folder", async () => {
    mkdirSync(at.file);
    await expect(at.open()).rejects.toMatchObject(unavailable("is a folder, not a file"));
  });

  it("is refused at once where no folder can be made", async () => {
    at.file = "/proc/nope/deeper/state.db";
    await expect(at.open()).rejects.toMatchObject(unavailable("/proc/nope"));
  });

  it("is refused when its folder would lie inside a file", async () => {
    writeFileSync(at.file, "");
    at.file = path.join(at.file, "state.db");
    await expect(at.open()).rejects.toMatchObject(unavailable("cannot be opened"));
  });

  it.each([
    ["removed", () => rmSync(at.file)],
    ["replaced", () => renameSync(path.join(at.folder, "other.db"), at.file)],
  ])("takes no more writes once it is %s, but can be read", async (_, change) => {
    writeFileSync(path.join(at.folder, "other.db"), "");
    const store = await at.open();
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
  ])(
    "can be read and takes no writes: %s",
    async (_, fileMode, folderMode) => {
      const store = await at.open();
      const version = await store.put("k", "1");
      await store.close();
      rmSync(`${at.file}-wal`, { force: true });
      rmSync(`${at.file}-shm`, { force: true });
      chmodSync(at.file, fileMode);
      chmodSync(at.folder, folderMode);
      const worker = at.start("ordinary-user");
      expect(await worker.next()).toBe("open");
      expect(await worker.call("get", "k")).toEqual({ result: { key: "k", value: "1", version } });
      expect(await worker.call("put", "k", "2")).toMatchObject(refused);
      expect(await worker.call("delete", "k")).toMatchObject(refused);
      chmodSync(at.folder, 0o755);
    },
    30_000,
  );

  it("is never read without what a killed process left in the log", async () => {
    const writer = at.start("obey");
    await writer.next();
    await writer.call("put", "k", "1");
    writer.child.kill("SIGKILL");
    await writer.end();
    for (const name of [at.file, `${at.file}-wal`, `${at.file}-shm`]) chmodSync(name, 0o444);
    chmodSync(at.folder, 0o555);
    const worker = at.start("ordinary-user");
    expect(await worker.next()).toBe("open");
    expect(await worker.call("get", "k")).toMatchObject({ result: { value: "1" } });
    expect(await worker.call("put", "k", "2")).toMatchObject(refused);
    await worker.end();
    for (const name of [`${at.file}-wal`, `${at.file}-shm`]) chmodSync(name, 0o000);
    expect(await at.start("ordinary-user").next()).toMatchObject({ code: "store_unavailable" });
    chmodSync(at.folder, 0o755);
  }, 30_000);

  it("is refused by name when there is no file yet", async () => {
    chmodSync(at.folder, 0o555);
    const worker = at.start("ordinary-user");
    expect(await worker.next()).toMatchObject(refused);
    chmodSync(at.folder, 0o755);
  }, 30_000);
});

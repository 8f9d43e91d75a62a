import { describe, expect, it, vi } from "vitest";
import type { Change } from "../../src/core/ports.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";

const at = sqliteFixture();

describe("an exclusive store", () => {
  const conflict = {
    code: "conflict",
    message: expect.stringContaining("state.db is in use by another process"),
  };

  it("is refused to a second one, in this process and in another", async () => {
    const store = await at.open({ exclusive: true });
    await store.put("k", "1");
    await expect(at.open({ exclusive: true })).rejects.toMatchObject(conflict);
    const worker = at.start("exclusive");
    expect(await worker.next()).toEqual(conflict);
    expect((await store.get("k"))?.value).toBe("1");
  }, 30_000);

  it("is refused while somebody shares the file", async () => {
    await (await at.open()).put("k", "1");
    await expect(at.open({ exclusive: true })).rejects.toMatchObject(conflict);
  });

  it("can be opened again as soon as it is closed", async () => {
    for (const value of ["1", "2", "3"]) {
      const store = await at.open({ exclusive: true });
      await store.put(`k/${value}`, value);
      await store.close();
    }
    expect(await (await at.open()).list("k/")).toHaveLength(3);
  });

  it("can be opened again as soon as its process is killed", async () => {
    const worker = at.start("exclusive");
    expect(await worker.next()).toBe("open");
    await worker.call("put", "k", "1");
    worker.child.kill("SIGKILL");
    await worker.end();
    expect((await (await at.open({ exclusive: true })).get("k"))?.value).toBe("1");
  }, 30_000);
});

describe("the changes of others", () => {
  it("reach a watcher, in order, deletes included, at the next poll", async () => {
    const [store, other] = [await at.open(), await at.open()];
    await other.put("w/0", "0");
    const seen: Change[] = [];
    store.watch("w/", (change) => seen.push(change));
    const first = await other.put("w/1", "1");
    await other.put("v/1", "1");
    await other.put("w/2", "gone");
    await other.delete("w/2");
    expect(seen).toEqual([]);
    await at.clock.advance(50);
    expect(seen).toEqual([
      { key: "w/1", value: "1", version: first },
      { key: "w/2", version: expect.any(Number) },
    ]);
    await store.put("w/3", "mine");
    await other.put("w/3", "theirs");
    await at.clock.advance(50);
    expect(seen.slice(2).map((change) => change.value)).toEqual(["mine", "theirs"]);
  });

  it("come before an own change that was made later", async () => {
    const [store, other] = [await at.open(), await at.open()];
    const seen: Change[] = [];
    store.watch("", (change) => seen.push(change));
    await other.put("a", "theirs");
    await store.put("b", "mine");
    await vi.waitFor(() => expect(seen.map((change) => change.value)).toEqual(["theirs", "mine"]));
  });

  it("are all told, however many there are", async () => {
    const [store, other] = [await at.open(), await at.open()];
    const seen: string[] = [];
    store.watch("k/", (change) => seen.push(change.key));
    const written = Array.from({ length: 1_200 }, (_, i) => `k/${i}`);
    for (const key of written) await other.put(key, "1");
    await at.clock.advance(50);
    expect(seen).toEqual(written);
  });

  it("reach a watcher from another process", async () => {
    const store = await at.open();
    const seen: Change[] = [];
    store.watch("k", (change) => seen.push(change));
    const worker = at.start("obey");
    await worker.next();
    await worker.call("put", "k", '"é😀"');
    await worker.call("delete", "k");
    await at.clock.advance(50);
    expect(seen.at(-1)).toEqual({ key: "k", version: expect.any(Number) });
  }, 30_000);
});

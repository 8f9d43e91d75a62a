import { describe, expect, it } from "vitest";
import type { Store } from "../../src/core/ports.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { done, refuse, respond } from "../support/faults.ts";
import { byMethod, processes, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

const dead = async () => `http://127.0.0.1:${await closedPort()}`;

/** The same store, but what is read comes after others had their turn. */
function slow(store: Store): Store {
  return {
    ...store,
    get: async (key) => {
      const entry = await store.get(key);
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      return entry;
    },
  };
}

describe("the health record", () => {
  it("says since when, why and by whom an instance was found down, and which runs went elsewhere", async () => {
    const clock = fakeClock();
    const host = await startHost({ worker: echoWorker(), name: "B" });
    const { delegate, health } = testEngine({ fleet: { A: await dead(), B: host.origin }, clock });
    const first = clock.now();
    const runs: string[] = [];
    for (let task = 0; task < 3; task++) {
      runs.push((await delegate({ instances: ["A", "B"] })).runId);
      await clock.advance(1_000);
    }
    // Past the 5 s in which it is left out, it stands behind B, which is a way around it too.
    await clock.advance(5_000);
    runs.push((await delegate({ instances: ["A", "B"] })).runId);
    await refusalOf(delegate({ instances: ["A"], retries: 0 }));
    await health(["A"]);
    const [a, b] = await health(["A", "B"], true);
    expect(a).toMatchObject({ state: "down", since: new Date(first).toISOString() });
    expect(a?.transitions).toEqual([
      {
        from: "unknown",
        to: "down",
        at: new Date(first).toISOString(),
        reason: "connection refused",
        seenBy: { calls: 2, polls: 2 },
        rerouted: { count: 4, runIds: runs },
      },
    ]);
    expect(b?.transitions).toMatchObject([
      { from: "unknown", to: "healthy", seenBy: { calls: 1, polls: 0 } },
    ]);
  });

  it("names no run for an instance that refused a task and is well", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(done("well"), refuse(400, { code: "bad_request" }));
    b.play(done());
    const { delegate, health } = testEngine({ fleet: { A: a.url, B: b.url } });
    await delegate({ instances: ["A"] });
    expect(await delegate({ instances: ["A", "B"] })).toMatchObject({ instance: "B" });
    a.play(respond({ body: { status: "healthy" } }));
    const [seen] = await health(["A"], true);
    expect(seen?.transitions).toHaveLength(1);
    expect(seen?.transitions?.[0]).not.toHaveProperty("rerouted");
  });

  it("is kept through a recovery, and left out without detail", async () => {
    const clock = fakeClock();
    const a = await startServer();
    const { health } = testEngine({ fleet: { A: a.url }, clock });
    for (const status of ["healthy", "down", "healthy"]) {
      a.play(respond({ status: status === "down" ? 503 : 200, body: { status } }));
      await health();
      await clock.advance(60_000);
    }
    const [brief] = await health();
    expect(brief).not.toHaveProperty("transitions");
    const [full] = await health(undefined, true);
    expect(full?.transitions?.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "unknown healthy",
      "healthy down",
      "down healthy",
    ]);
  });

  it("is one record for all processes, and outlives each of them", async () => {
    const url = await dead();
    const file = await stateFile();
    const before: number[] = [];
    for (const self of ["one", "two"]) {
      const store = slow(await sqliteAt(file));
      const settings = { retries: 0 };
      const { engine, delegate } = testEngine({
        fleet: { A: url },
        store,
        processes: processes(self),
        settings,
      });
      await refusalOf(delegate({ instances: ["A"] }));
      await engine.close();
      before.push(Date.now());
    }
    const { health } = testEngine({ fleet: { A: url }, store: await sqliteAt(file) });
    const [a] = await health(undefined, true);
    expect(Date.parse(a?.since ?? "")).toBeLessThanOrEqual(before[0] as number);
    expect(a?.transitions).toMatchObject([{ to: "down", at: a?.since, seenBy: { calls: 2, polls: 1 } }]);
  });

  it("loses nothing of what two processes see at once", async () => {
    const a = await startServer();
    a.play(byMethod({ post: done(), health: respond({ status: 503, body: { status: "down" } }) }));
    const file = await stateFile();
    const engines = await Promise.all(
      ["one", "two", "three"].map(async (self) =>
        testEngine({ fleet: { A: a.url }, store: slow(await sqliteAt(file)), processes: processes(self) }),
      ),
    );
    await Promise.all(engines.flatMap(({ health }) => Array.from({ length: 10 }, () => health())));
    const [seen] = (await engines[0]?.health(undefined, true)) ?? [];
    await Promise.all(engines.map(({ engine }) => engine.close()));
    const { health } = testEngine({ fleet: { A: a.url }, store: await sqliteAt(file) });
    const [all] = await health(undefined, true);
    expect(seen?.transitions).toHaveLength(1);
    expect(all?.transitions).toMatchObject([{ to: "down", seenBy: { calls: 0, polls: 32 } }]);
  });

  it("that cannot be written or read costs no call and no check", async () => {
    const host = await startHost({ worker: echoWorker() });
    const store = createMemoryStore({ clock: fakeClock() });
    const broken = (key: string) => {
      if (/^(health|breakers)/.test(key)) throw new Error("no such table");
    };
    const { delegate, health } = testEngine({
      fleet: { A: host.origin },
      store: {
        ...store,
        get: async (key) => {
          broken(key);
          return store.get(key);
        },
        put: async (key, value, options) => {
          broken(key);
          return store.put(key, value, options);
        },
      },
    });
    expect(await delegate({ instances: ["A"], payload: 1 })).toMatchObject({ result: 1 });
    expect(await health(undefined, true)).toMatchObject([{ state: "healthy", transitions: [] }]);
  });
});

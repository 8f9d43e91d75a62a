import { describe, expect, it } from "vitest";
import type { Store } from "../../src/core/ports.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { done, respond } from "../support/faults.ts";
import { byMethod, refusalOf, testEngine } from "./harness.ts";

/** A store that counts what is written to it. */
function countingStore(): Store & { writes: number } {
  const store = createMemoryStore({ clock: systemClock });
  const counting = {
    ...store,
    writes: 0,
    put: (...args: Parameters<Store["put"]>) => {
      counting.writes += 1;
      return store.put(...args);
    },
  };
  return counting;
}

describe("a dry run", () => {
  it("of a delegate says who would be asked and in what order; nothing is sent or stored", async () => {
    const [a, b] = [await startServer(), await startServer()];
    const store = countingStore();
    const { dryDelegate, runs } = testEngine({ fleet: { A: a.url, B: b.url }, store });
    expect(await dryDelegate({ instances: ["B", "A"] })).toEqual({ order: ["B", "A"], excluded: [] });
    expect(await dryDelegate({ instances: ["B", "A"], fallback: "none" })).toEqual({
      order: ["B"],
      excluded: [],
      notes: ['Not to take over, since fallback is "none": A.'],
    });
    expect([...a.requests, ...b.requests]).toEqual([]);
    expect(store.writes).toBe(0);
    expect((await runs()).items).toEqual([]);
  });

  it("takes nobody's turn", async () => {
    const hosts = [
      await startHost({ worker: echoWorker() }),
      await startHost({ worker: echoWorker(), name: "B" }),
    ];
    const { delegate, dryDelegate } = testEngine({
      fleet: { A: hosts[0]?.origin ?? "", B: hosts[1]?.origin ?? "" },
    });
    const pool = { instances: "A,B", pick: "round-robin" } as const;
    for (let time = 0; time < 3; time++) expect((await dryDelegate(pool)).order).toEqual(["A", "B"]);
    expect(await delegate(pool)).toMatchObject({ instance: "A" });
    expect(await dryDelegate(pool)).toMatchObject({ order: ["B", "A"], pick: "round-robin" });
  });

  it("says why each other one is left out, as the run that follows keeps it", async () => {
    const clock = fakeClock();
    const host = await startHost({ worker: echoWorker(), name: "B" });
    const fleet = { A: `http://127.0.0.1:${await closedPort()}`, B: host.origin };
    const { delegate, dryDelegate, dryFanout, fanout, run } = testEngine({
      fleet,
      clock,
      settings: { retries: 0 },
    });
    await refusalOf(delegate({ instances: ["A"] }));
    const lately = { order: ["B"], excluded: [{ instance: "A", reason: "down: connection refused" }] };
    expect(await dryDelegate({ instances: ["A", "B"] })).toEqual(lately);
    const { runId, explanation } = await delegate({ instances: ["A", "B"] });
    expect(explanation).toEqual(lately);
    expect((await run(runId)).explanation).toEqual(lately);
    expect(await dryFanout({ targets: ["A", "B"] })).toEqual(lately);
    expect((await run((await fanout({ targets: ["A", "B"] })).runId)).explanation).toEqual(lately);

    await clock.advance(5_001);
    expect(await dryDelegate({ instances: ["A", "B"] })).toEqual({
      order: ["B", "A"],
      excluded: [],
      notes: ["A stands back: down: connection refused."],
    });
  });

  it("answers with nobody where the call itself would be refused, and checks no breaker", async () => {
    const clock = fakeClock();
    const a = await startServer();
    const failed = respond({ body: { reply: "failed", error: { code: "instance_error", message: "x" } } });
    a.play(byMethod({ post: respond({ status: 500 }), get: failed, health: done() }));
    const { delegate, dryDelegate, dryFanout } = testEngine({ fleet: { A: a.url }, clock });
    for (let task = 0; task < 5; task++) await refusalOf(delegate({ instances: ["A"] }));
    await clock.advance(60_000);
    const before = a.requests.length;
    for (const explained of [await dryDelegate({ instances: ["A"] }), await dryFanout({ targets: ["A"] })]) {
      expect(explained).toMatchObject({
        order: [],
        excluded: [{ instance: "A", reason: expect.stringContaining("held off by its breaker") }],
      });
    }
    expect(a.requests).toHaveLength(before);
  });

  it("refuses what the call would refuse: an unknown name, a payload for nobody", async () => {
    const { dryDelegate, dryFanout } = testEngine({ fleet: { A: "http://127.0.0.1:1" } });
    expect(await refusalOf(dryDelegate({ instances: ["Z"] }))).toMatchObject({ code: "unknown_instance" });
    expect(await refusalOf(dryFanout({ targets: ["A"], payloads: { B: 1 } }))).toMatchObject({
      code: "bad_request",
    });
  });
});

import { describe, expect, it } from "vitest";
import { RetentionSweep } from "../../src/engine/retention.ts";
import { RunJournal } from "../../src/engine/run-journal.ts";
import { DEFAULT_RETENTION } from "../../src/engine/run-keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { recordingLogger } from "../support/logger.ts";
import { testEngine, testIds } from "./harness.ts";

const logger = recordingLogger();

async function setUp(limits: { runs?: number; bytes?: number }) {
  const echo = await startHost({ worker: echoWorker() });
  const slow = await startHost({ worker: handWorker() });
  const engine = testEngine({ fleet: { A: echo.origin, B: slow.origin } });
  const { store, logger } = engine;
  const journal = new RunJournal({ store, clock: systemClock, ids: testIds, owner: "x", keepMs: () => 1 });
  const all = { ...DEFAULT_RETENTION, ...limits };
  return { ...engine, sweep: new RetentionSweep({ clock: systemClock, logger, journal, limits: () => all }) };
}

describe("ended runs", () => {
  it("are kept up to their number, the newest, with their results", async () => {
    const { delegate, runs, store, sweep } = await setUp({ runs: 3 });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.push((await delegate({ instances: ["A"], payload: n })).runId);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await sweep.sweep()).toBe(2);
    expect((await runs()).items.map(({ runId }) => runId)).toEqual(ids.slice(2).reverse());
    expect(await store.list("result/")).toHaveLength(3);
    expect(await sweep.sweep()).toBe(0);
  });

  it("are kept up to their size", async () => {
    const { delegate, fanout, runs, sweep } = await setUp({ bytes: 250_000 });
    for (let n = 0; n < 4; n++) await fanout({ targets: ["A"], payload: "x".repeat(100_000) });
    expect(await sweep.sweep()).toBe(2);
    expect((await runs()).items).toHaveLength(2);
    expect(await delegate({ instances: ["A"], payload: 1 })).toMatchObject({ result: 1 });
  });

  it("outlast every limit while the key that stands for them does, so that it is never done again", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const store = createMemoryStore({ clock: systemClock });
    const engine = () =>
      testEngine({
        fleet: { A: host.origin },
        store,
        settings: { retention: { ageMs: 50, runs: 1 } },
      });
    const call = { instances: ["A"], payload: 1, idempotencyKey: "k", timeout: "2s" };
    const first = engine().delegate(call);
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("once");
    const { runId } = await first;
    const limits = () => ({ ...DEFAULT_RETENTION, runs: 0 });
    const journal = new RunJournal({ store, clock: systemClock, ids: testIds, owner: "x", keepMs: () => 1 });
    expect(await new RetentionSweep({ clock: systemClock, logger, journal, limits }).sweep()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await engine().delegate(call)).toMatchObject({ runId, result: "once" });
    expect(worker.tasks).toHaveLength(1);
  });

  it("are all that is removed: an open run stays, however old", async () => {
    const { delegate, run, sweep } = await setUp({ runs: 1 });
    const open = await delegate({ instances: ["B"], payload: 1, wait: "150ms" });
    await delegate({ instances: ["A"], payload: 1 });
    await delegate({ instances: ["A"], payload: 2 });
    expect(await sweep.sweep()).toBe(1);
    expect(await run(open.runId)).toMatchObject({ state: "open" });
  });
});

import { describe, expect, it } from "vitest";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { startServer } from "../instances/harness.ts";
import { done, respond } from "../support/faults.ts";
import { processes, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

async function two() {
  const [a, b] = [await startServer(), await startServer()];
  a.play(done({ from: "a" }));
  b.play(done({ from: "b" }));
  return { A: a.url, B: b.url };
}

describe("runs", () => {
  it("are listed from the newest to the oldest, in pages", async () => {
    const { delegate, fanout, runs } = testEngine({ fleet: await two() });
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { runId } = n % 2 ? await delegate({ instances: ["A"] }) : await fanout({ targets: ["*"] });
      made.unshift(runId);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const first = await runs({ limit: 3 });
    const second = await runs({ limit: 3, after: first.next });
    expect([...first.items, ...second.items].map(({ runId }) => runId)).toEqual(made);
    expect(first.items[0]).toMatchObject({
      operation: "fanout",
      state: "ended",
      createdBy: "test",
      counts: { total: 2, done: 2 },
    });
    expect(second.next).toBeUndefined();
  });

  it("outlive their engine, and are aggregated from the store", async () => {
    const file = await stateFile();
    const fleet = await two();
    const before = testEngine({ fleet, store: await sqliteAt(file) });
    const { runId } = await before.fanout({ targets: ["A", "B"] });
    await before.engine.close();

    const { run, aggregate, runs } = testEngine({ store: await sqliteAt(file) });
    expect(await run(runId)).toMatchObject({
      state: "ended",
      outcomes: [{ result: { from: "a" } }, { result: { from: "b" } }],
    });
    expect((await runs()).items.map((each) => each.runId)).toEqual([runId]);
    expect(await aggregate({ runId, strategy: "collect" })).toMatchObject({
      runId,
      sources: ["A", "B"],
      complete: true,
      missing: [],
    });
  });

  it("give a large result in pages, and not within the run", async () => {
    const a = await startServer();
    const text = `${"é".repeat(19_999)}😀${"z".repeat(25_000)}`;
    a.play(done(text));
    const { delegate, run, page } = testEngine({ fleet: { A: a.url } });
    const { runId } = await delegate({ instances: ["A"] });
    const detail = await run(runId);
    expect(detail.outcomes[0]).toMatchObject({ reply: "done", resultChars: text.length + 2 });
    expect(detail.outcomes[0]).not.toHaveProperty("result");
    let read = "";
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const { text: part, nextOffset, totalChars } = await page(runId, "A", offset);
      expect(totalChars).toBe(text.length);
      expect(part).not.toMatch(/\p{Surrogate}/u);
      read += part;
      offset = nextOffset;
    }
    expect(read).toBe(text);
    expect(await page(runId, "A", 1_000_000)).toMatchObject({ text: "" });
  });

  it("say which instance was not asked, and which run is not there", async () => {
    const { delegate, page, run, cancel } = testEngine({ fleet: await two() });
    const { runId } = await delegate({ instances: ["A"] });
    expect(await refusalOf(page(runId, "B"))).toMatchObject({ code: "unknown_instance", instance: "B" });
    expect(await refusalOf(run("run-x"))).toMatchObject({ code: "run_not_found", runId: "run-x" });
    expect(await refusalOf(cancel("run-x"))).toMatchObject({ code: "run_not_found" });
  });

  it("can be read and waited for by another process while they go on", async () => {
    const file = await stateFile();
    const worker = handWorker();
    const host = await startHost({ worker });
    const first = testEngine({
      fleet: { A: host.origin },
      store: await sqliteAt(file),
      processes: processes("one"),
    });
    const second = testEngine({ store: await sqliteAt(file), processes: processes("two") });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: 0 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    expect(await second.run(runId)).toMatchObject({ state: "open", counts: { pending: 1 } });
    const waiting = second.run(runId, 10);
    worker.tasks[0]?.finish("seen from afar");
    expect(await waiting).toMatchObject({ state: "ended", outcomes: [{ result: "seen from afar" }] });
  });

  it("of a process that died say so, and are not waited for", async () => {
    const file = await stateFile();
    const host = await startHost({ worker: handWorker() });
    const first = testEngine({
      fleet: { A: host.origin },
      store: await sqliteAt(file),
      processes: processes("one"),
    });
    const second = testEngine({ store: await sqliteAt(file), processes: processes("two", ["one"]) });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    const startedAt = performance.now();
    const { state, warnings, attempts } = await second.run(runId, 10);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(state).toBe("open");
    expect(attempts).toMatchObject([{ instance: "A", delivery: "unknown" }]);
    expect(warnings?.join()).toContain("has ended");
    expect(await refusalOf(second.cancel(runId))).toMatchObject({ code: "interrupted", runId });
  });
});

describe("runs_cancel", () => {
  it("returns what each instance says became of the work", async () => {
    const [stops, stubborn] = [handWorker(), handWorker({ stops: false })];
    const hosts = [await startHost({ worker: stops }), await startHost({ worker: stubborn })];
    const { fleet } = { fleet: { A: hosts[0]?.origin ?? "", B: hosts[1]?.origin ?? "" } };
    const quick = await startServer();
    quick.play(done("before"));
    const { fanout, cancel, run } = testEngine({ fleet: { ...fleet, C: quick.url } });
    const { runId } = await fanout({ targets: ["*"], payload: 1, minReplies: 1 });
    await expect.poll(() => stops.tasks.length + stubborn.tasks.length).toBe(2);
    const { state, outcomes } = await cancel(runId);
    expect(state).toBe("ended");
    expect(outcomes).toMatchObject([
      { instance: "A", delivery: "accepted", reply: "cancelled" },
      { instance: "B", delivery: "accepted", reply: "none", error: { code: "cancelled" } },
      { instance: "C", reply: "done", result: "before" },
    ]);
    expect(outcomes[1]?.error?.message).toContain("still working");
    expect(await run(runId)).toMatchObject({ outcomes });
  });

  it("changes nothing about a run that has ended", async () => {
    const { delegate, cancel } = testEngine({ fleet: await two() });
    const { runId } = await delegate({ instances: ["A"] });
    expect(await cancel(runId)).toMatchObject({ state: "ended", outcomes: [{ result: { from: "a" } }] });
  });

  it("has another living process cancel its run, also where the instance is unknown here", async () => {
    const file = await stateFile();
    const host = await startHost({ worker: handWorker() });
    const first = testEngine({
      fleet: { A: host.origin },
      store: await sqliteAt(file),
      processes: processes("one"),
    });
    const second = testEngine({ store: await sqliteAt(file), processes: processes("two") });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: 0 });
    await expect.poll(() => host.stats().inFlight).toBe(1);
    expect(await second.cancel(runId)).toMatchObject({ state: "ended", outcomes: [{ reply: "cancelled" }] });
  });

  it("leaves large results to be read in pages", async () => {
    const a = await startServer();
    a.play(done("x".repeat(30_000)));
    const { delegate, cancel } = testEngine({ fleet: { A: a.url } });
    const { runId } = await delegate({ instances: ["A"] });
    expect((await cancel(runId)).outcomes[0]).toMatchObject({ resultChars: 30_002 });
  });
});

describe("close", () => {
  it("waits for what still runs, as long as it is told", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { engine, delegate } = testEngine({ fleet: { A: host.origin } });
    const call = delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    const closed = engine.close(10_000);
    worker.tasks[0]?.finish("in time");
    expect(await call).toMatchObject({ result: "in time" });
    await closed;
  });

  it("lets go of the rest, whose callers get a handle, and whose work is not called ended", async () => {
    const file = await stateFile();
    const worker = handWorker();
    const host = await startHost({ worker });
    const { engine, delegate } = testEngine({ fleet: { A: host.origin }, store: await sqliteAt(file) });
    const call = delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    await engine.close(50);
    expect(await call).toMatchObject({ reply: "pending", survivesExit: true });
    const { runs } = testEngine({ store: await sqliteAt(file), processes: processes("next") });
    expect((await runs()).items).toMatchObject([{ state: "open", counts: { pending: 1 } }]);
    expect(worker.tasks[0]?.cancellation.error).toBeUndefined();
  });
});

describe("aggregate", () => {
  it("combines responses that are handed in, and sends nothing", async () => {
    const { aggregate } = testEngine();
    const responses = [
      { instance: "A", result: { x: 1 } },
      { instance: "B", result: { y: 2 } },
    ];
    expect(await aggregate({ responses, strategy: "merge" })).toMatchObject({
      value: { x: 1, y: 2 },
      sources: ["A", "B"],
      complete: true,
    });
  });

  it("of an open run takes what there is, and names who is still out", async () => {
    const host = await startHost({ worker: handWorker() });
    const quick = await startHost({ worker: echoWorker() });
    const { fanout, aggregate } = testEngine({ fleet: { A: host.origin, B: quick.origin } });
    const { runId } = await fanout({ targets: ["*"], payload: "b", minReplies: 1 });
    expect(await aggregate({ runId, strategy: "concat" })).toMatchObject({
      value: expect.stringContaining("b"),
      complete: false,
      missing: [{ instance: "A", reply: "pending" }],
    });
  });

  it("of a run that nobody answered is an error, of one that is not there another", async () => {
    const a = await startServer();
    a.play(respond({ status: 400, body: "no" }));
    const { fanout, aggregate } = testEngine({ fleet: { A: a.url } });
    const { runId } = await fanout({ targets: ["A"] });
    expect(await refusalOf(aggregate({ runId, strategy: "first" }))).toMatchObject({
      code: "aggregate_failed",
    });
    expect(await refusalOf(aggregate({ runId: "nix", strategy: "first" }))).toMatchObject({
      code: "run_not_found",
    });
  });
});

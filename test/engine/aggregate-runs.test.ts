import { describe, expect, it } from "vitest";
import { closedPort } from "../instances/harness.ts";
import { answering, fleetOfHosts } from "./aggregate-hosts.ts";
import { refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

describe("several runs", () => {
  it("are combined as one, and who is missing is told with the run", async () => {
    const fleet = await fleetOfHosts({ A: answering((n) => n), B: answering("7") });
    const down = `http://127.0.0.1:${await closedPort()}`;
    const { fanout, delegate, aggregate } = testEngine({
      fleet: { ...fleet, D: down },
      settings: { retries: 0 },
    });
    const first = await fanout({ targets: ["A", "B", "D"], payload: 1 });
    const second = await delegate({ instances: ["A"], payload: 4 });
    const runIds = [first.runId, second.runId];
    expect(await aggregate({ runIds, strategy: "numeric" })).toMatchObject({
      runIds,
      value: { count: 3, sum: 12, median: 4 },
      sources: ["A", "B"],
      missing: [{ instance: "D", runId: first.runId, error: { code: "instance_down" } }],
      complete: false,
    });
    expect((await aggregate({ runIds, strategy: "collect" })).value).toEqual([
      { instance: "A", runId: first.runId, result: 1 },
      { instance: "B", runId: first.runId, result: "7" },
      { instance: "A", runId: second.runId, result: 4 },
    ]);
  });

  it("must all be there, and be the caller's to see", async () => {
    const { fanout, engine, aggregate } = testEngine({ fleet: await fleetOfHosts({ A: answering(1) }) });
    const { runId } = await fanout({ targets: ["A"], payload: 1 });
    const runIds = [runId, "run-nobody"];
    expect(await refusalOf(aggregate({ runIds, strategy: "first" }))).toMatchObject({
      code: "run_not_found",
    });
    const theirs = engine.aggregate({ runIds: [runId], strategy: "first" }, { only: "rest:somebody" });
    expect(await refusalOf(theirs)).toMatchObject({ code: "run_not_found" });
  });
});

describe("an answer that a strategy can make nothing of", () => {
  it("is missing, with why, and the aggregate is not complete", async () => {
    const fleet = await fleetOfHosts({ A: answering({ s: 3 }), B: answering("no idea") });
    const { fanout } = testEngine({ fleet });
    const call = { targets: ["A", "B"], payload: 1, aggregate: { strategy: "numeric", path: "s" } as const };
    expect((await fanout(call)).aggregate).toMatchObject({
      value: { count: 1 },
      dissent: [],
      missing: [{ instance: "B", reply: "done", delivery: "accepted", why: "nothing at s" }],
      complete: false,
    });
  });
});

describe("detail: brief", () => {
  it("has the lengths of results, which are stored, and an aggregate as whole as ever", async () => {
    const big = { s: 2, text: "x".repeat(30_000) };
    const fleet = await fleetOfHosts({ A: answering(big), B: answering({ s: 4 }) });
    const { fanout, run, page, aggregate } = testEngine({ fleet, store: await sqliteAt(await stateFile()) });
    const call = {
      ...{ targets: ["A", "B"], payload: 1, detail: "brief" as const, idempotencyKey: "k" },
      aggregate: { strategy: "numeric" as const, path: "s" },
    };
    const answer = await fanout(call);
    const chars = JSON.stringify(big).length;
    expect(answer.outcomes).toMatchObject([{ reply: "done", resultChars: chars }, { resultChars: 7 }]);
    for (const outcome of answer.outcomes) expect(outcome).not.toHaveProperty("result");
    expect(answer.aggregate).toMatchObject({ value: { sum: 6 }, complete: true });
    const { runId } = answer;
    expect((await run(runId)).outcomes).toMatchObject([{ resultChars: chars }, { result: { s: 4 } }]);
    expect((await page(runId, "B")).text).toBe('{"s":4}');
    expect((await aggregate({ runId, strategy: "merge" })).value).toMatchObject({ s: 2, text: big.text });
    // Made again it is the same run, and the same answer.
    const again = await fanout(call);
    expect(again).toEqual(answer);
    expect((await fanout({ ...call, detail: "full" })).outcomes[0]?.result).toEqual(big);
  });

  it("tells a result that could not be stored, since it is nowhere else", async () => {
    const store = await sqliteAt(await stateFile());
    const broken: typeof store = {
      ...store,
      put: (key, value, options) =>
        key.startsWith("result/") ? Promise.reject(new Error("disk full")) : store.put(key, value, options),
      get: (key) => store.get(key),
      delete: (key, options) => store.delete(key, options),
      list: (prefix, options) => store.list(prefix, options),
      watch: (prefix, listener) => store.watch(prefix, listener),
      close: () => store.close(),
    };
    const { fanout } = testEngine({ fleet: await fleetOfHosts({ A: answering("kept?") }), store: broken });
    const answer = await fanout({ targets: ["A"], payload: 1, detail: "brief", aggregate: "first" });
    expect(answer.outcomes).toMatchObject([{ result: "kept?" }]);
    expect(answer.aggregate?.value).toBe("kept?");
    expect(answer.warnings).toEqual([expect.stringContaining("disk full")]);
  });
});

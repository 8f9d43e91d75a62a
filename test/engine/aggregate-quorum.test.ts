import { describe, expect, it } from "vitest";
import { handWorker } from "../host/harness.ts";
import { closedPort } from "../instances/harness.ts";
import { answering, fleetOfHosts } from "./aggregate-hosts.ts";
import { refusalOf, testEngine } from "./harness.ts";

const dead = async () => `http://127.0.0.1:${await closedPort()}`;

/** Two that answer at once and two that never do. */
async function twoOfFour(answers = ["yes", " yes\n"]) {
  const [c, d] = [handWorker(), handWorker()];
  const [a = "", b = ""] = answers;
  const fleet = await fleetOfHosts({ A: answering(a), B: answering(b), C: c, D: d });
  return { slow: [c, d], ...testEngine({ fleet }) };
}

describe("a quorum", () => {
  it("ends the work early, and the rest is cancelled there and feeds no health", async () => {
    const { fanout, health, run, slow } = await twoOfFour();
    const answer = await fanout({
      targets: ["*"],
      payload: 1,
      aggregate: { strategy: "quorum", quorum: 2 },
    });
    expect(answer).toMatchObject({
      complete: true,
      timedOut: false,
      counts: { total: 4, done: 2, failed: 0, pending: 0, cancelled: 2 },
      aggregate: { value: "yes", sources: ["A", "B"], consensus: true, complete: false },
    });
    expect(answer.aggregate?.missing).toMatchObject([
      { instance: "C", error: { code: "cancelled" } },
      { instance: "D", error: { code: "cancelled" } },
    ]);
    // Whatever had reached them was told to stop.
    for (const { tasks } of slow) for (const task of tasks) expect(task.cancellation.error).toBeDefined();
    expect((await health(["A-D"])).map(({ state, breaker }) => [state, breaker])).toEqual(
      Array.from({ length: 4 }, () => ["healthy", undefined]),
    );
    expect(await run(answer.runId)).toMatchObject({ state: "ended", counts: { cancelled: 2 } });
  });

  it("leaves the rest at work with cancelRest: false, and ends the waiting all the same", async () => {
    const { fanout, aggregate, run, slow } = await twoOfFour();
    const answer = await fanout({
      targets: ["*"],
      payload: 1,
      cancelRest: false,
      aggregate: { strategy: "quorum", quorum: 2 },
    });
    expect(answer).toMatchObject({ complete: false, timedOut: false, counts: { done: 2, pending: 2 } });
    expect(answer.aggregate).toMatchObject({
      value: "yes",
      missing: [{ reply: "pending" }, { reply: "pending" }],
    });
    await expect.poll(() => slow.map(({ tasks }) => tasks.length)).toEqual([1, 1]);
    for (const { tasks } of slow) tasks[0]?.finish("no");
    expect(await run(answer.runId, 5)).toMatchObject({ counts: { done: 4 } });
    const again = { runId: answer.runId, strategy: "majority" } as const;
    expect(await aggregate(again)).toMatchObject({ value: null, consensus: false });
  });

  it("is reached though nobody waits for it", async () => {
    const { fanout, run } = await twoOfFour();
    const { runId } = await fanout({
      ...{ targets: ["*"], payload: 1, wait: 0 },
      aggregate: { strategy: "quorum", quorum: 2 },
    });
    expect(await run(runId, 10)).toMatchObject({ state: "ended", counts: { done: 2, cancelled: 2 } });
  });

  it("that is not met leaves all to their ends, and is no consensus", async () => {
    const fleet = await fleetOfHosts({ A: answering("x"), B: answering("y"), C: answering("x") });
    const { fanout } = testEngine({ fleet });
    const answer = await fanout({ targets: ["*"], payload: 1, aggregate: { strategy: "quorum", quorum: 3 } });
    expect(answer).toMatchObject({
      counts: { done: 3 },
      aggregate: { value: null, consensus: false, sources: [], complete: true },
    });
  });
});

describe("minSuccess", () => {
  it("turns too few answers into quorum_not_met, with what there is", async () => {
    const fleet = await fleetOfHosts({ A: answering({ n: 1 }) });
    const { fanout, aggregate } = testEngine({
      fleet: { ...fleet, B: await dead() },
      settings: { retries: 0 },
    });
    const error = await refusalOf(
      fanout({ targets: ["A", "B"], payload: 1, aggregate: "merge", minSuccess: 2 }),
    );
    expect(error).toMatchObject({
      code: "quorum_not_met",
      status: 502,
      message: "1 instance has answered, and minSuccess is 2.",
      details: {
        minSuccess: 2,
        done: 1,
        counts: { done: 1, failed: 1 },
        outcomes: [
          { instance: "A", result: { n: 1 } },
          { instance: "B", error: { code: "instance_down" } },
        ],
        aggregate: { value: { n: 1 }, sources: ["A"], complete: false },
      },
    });
    const { runId = "" } = error;
    expect(await refusalOf(aggregate({ runId, strategy: "first", minSuccess: 2 }))).toMatchObject({
      code: "quorum_not_met",
      runId,
      details: { done: 1, aggregate: { value: { n: 1 }, missing: [{ instance: "B" }] } },
    });
    expect(await aggregate({ runId, strategy: "first", minSuccess: 1 })).toMatchObject({ value: { n: 1 } });
  });

  it("holds without an aggregate too, and is not judged while enough may still answer", async () => {
    const slow = handWorker();
    const fleet = await fleetOfHosts({ A: answering(1), S: slow });
    const { fanout } = testEngine({ fleet: { ...fleet, B: await dead() }, settings: { retries: 0 } });
    const call = { targets: ["A", "S", "B"], payload: 1, wait: "300ms" };
    expect(await fanout({ ...call, minSuccess: 2 })).toMatchObject({ counts: { done: 1, pending: 1 } });
    expect(await refusalOf(fanout({ ...call, minSuccess: 3 }))).toMatchObject({ code: "quorum_not_met" });
  });
});

import { describe, expect, it } from "vitest";
import { isObject, type Json } from "../../src/core/json.ts";
import { handWorker } from "../host/harness.ts";
import { closedPort } from "../instances/harness.ts";
import { answering, fleetOfHosts } from "./aggregate-hosts.ts";
import { refusalOf, testEngine } from "./harness.ts";

const dead = async () => `http://127.0.0.1:${await closedPort()}`;

/** Three with an opinion, and one who is asked about theirs. */
async function panel(judge: Json | ((payload: Json) => Json)) {
  const [a, b, c, j] = [
    answering("red"),
    answering({ message: "green" }),
    answering("blue"),
    answering(judge),
  ];
  const fleet = await fleetOfHosts({ A: a, B: b, C: c, J: j });
  return { judge: j, asked: [a, b, c], fleet, ...testEngine({ fleet }) };
}

describe("reduce", () => {
  it("hands all answers to an instance, whose reply is the value, in a run of its own", async () => {
    const { fanout, run, judge } = await panel((payload) => ({
      had: isObject(payload) ? (payload.answers ?? 0) : 0,
    }));
    const { aggregate, runId } = await fanout({
      targets: ["A-C"],
      payload: { message: "Which colour?" },
      payloads: { C: "And you?" },
      aggregate: { strategy: "reduce", instance: "J", instruction: "Sum up." },
    });
    const answers = [
      { instance: "A", result: "red" },
      { instance: "B", result: { message: "green" } },
      { instance: "C", question: "And you?", result: "blue" },
    ];
    expect(judge.asked).toEqual([{ message: "Sum up.", question: { message: "Which colour?" }, answers }]);
    expect(aggregate).toMatchObject({
      strategy: "reduce",
      value: { had: answers },
      sources: ["A", "B", "C"],
      complete: true,
      by: { instance: "J" },
    });
    expect(aggregate?.by?.runId).not.toBe(runId);
    expect(await run(aggregate?.by?.runId ?? "")).toMatchObject({
      operation: "delegate",
      counts: { done: 1 },
    });
  });

  it("works on a stored run with another strategy, where nobody but the reducer is asked", async () => {
    const { fanout, aggregate, asked } = await panel("all of them");
    const { runId } = await fanout({ targets: ["A-C"], payload: "q", aggregate: "merge" });
    const call = { runId, strategy: "reduce", instance: "J", instruction: "Sum up." } as const;
    expect(await aggregate(call)).toMatchObject({ value: "all of them", runId, by: { instance: "J" } });
    expect(asked.map((each) => each.asked.length)).toEqual([1, 1, 1]);
  });

  it("that cannot be done leaves the outcomes, and says why", async () => {
    const fleet = await fleetOfHosts({ A: answering(1) });
    const { fanout } = testEngine({ fleet: { ...fleet, J: await dead() }, settings: { retries: 0 } });
    const answer = await fanout({
      targets: ["A"],
      payload: 1,
      aggregate: { strategy: "reduce", instance: "J", instruction: "x" },
    });
    expect(answer).toMatchObject({
      counts: { done: 1 },
      aggregateError: { code: "instance_down", message: expect.stringMatching(/^reduce: /) },
    });
  });

  it("by somebody whom nobody knows fails before anything is sent", async () => {
    const { fanout, asked } = await panel("x");
    const aggregate = { strategy: "reduce", instance: "Nobody", instruction: "x" } as const;
    expect(await refusalOf(fanout({ targets: ["A"], payload: 1, aggregate }))).toMatchObject({
      code: "unknown_instance",
    });
    expect(asked[0]?.asked).toEqual([]);
  });

  it("that takes longer than the wait is pending, and the same key is answered with the same work", async () => {
    const slow = handWorker();
    const fleet = await fleetOfHosts({ A: answering("red"), J: slow });
    const { fanout } = testEngine({ fleet });
    const call = {
      ...{ targets: ["A"], payload: 1, wait: "500ms", idempotencyKey: "k" },
      aggregate: { strategy: "reduce", instance: "J", instruction: "x" } as const,
    };
    const first = await fanout(call);
    expect(first).toMatchObject({ complete: true, aggregate: { value: null, pending: true } });
    await expect.poll(() => slow.tasks.length).toBe(1);
    slow.tasks[0]?.finish("made");
    const second = await fanout({ ...call, wait: 10 });
    expect(second.aggregate).toMatchObject({ value: "made", by: first.aggregate?.by });
    expect(second.aggregate).not.toHaveProperty("pending");
    expect(slow.tasks).toHaveLength(1);
  });

  it("is not asked for while answers are still to come", async () => {
    const slow = handWorker();
    const fleet = await fleetOfHosts({ A: answering("red"), S: slow, J: answering("x") });
    const { fanout } = testEngine({ fleet });
    const aggregate = { strategy: "reduce", instance: "J", instruction: "x" } as const;
    const call = { targets: ["A", "S"], payload: 1, wait: "300ms", aggregate };
    const { runId, aggregateError } = await fanout(call);
    expect(aggregateError).toMatchObject({ code: "aggregate_failed", runId });
    expect(aggregateError?.message).toContain("1 of the answers are still to come");
    const enough = await fanout({ ...call, wait: 10, minReplies: 1 });
    expect(enough.aggregate).toMatchObject({ value: "x", sources: ["A"], complete: false });
  });
});

describe("judge", () => {
  it("picks one of the answers, which it sees by number, and its verdict is kept", async () => {
    const { fanout, judge } = await panel('Hm.\n```json\n{"choice": 2, "reason": "Green it is."}\n```');
    const { aggregate } = await fanout({
      targets: ["A-C"],
      payload: { message: "Which colour?" },
      aggregate: { strategy: "judge", instance: "J", instruction: "Prefer calm ones." },
    });
    expect(aggregate).toMatchObject({
      value: { message: "green" },
      sources: ["B"],
      verdict: { choice: 2, instance: "B", reason: "Green it is." },
      by: { instance: "J" },
    });
    expect(judge.asked).toEqual([
      {
        message: expect.stringContaining("Prefer calm ones."),
        question: { message: "Which colour?" },
        answers: [
          { number: 1, answer: "red" },
          { number: 2, answer: { message: "green" } },
          { number: 3, answer: "blue" },
        ],
      },
    ]);
  });

  it("that names no answer is aggregate_failed, quotes it, and names its run", async () => {
    const { fanout, aggregate } = await panel("I like them all.");
    const { runId } = await fanout({ targets: ["A-C"], payload: 1 });
    const error = await refusalOf(aggregate({ runId, strategy: "judge", instance: "J" }));
    expect(error).toMatchObject({ code: "aggregate_failed", instance: "J" });
    expect(error.message).toContain("I like them all.");
    expect(error.runId).not.toBe(runId);
  });

  it("is not asked about a single answer", async () => {
    const { aggregate, judge } = await panel("x");
    const responses = [{ instance: "A", result: "only" }];
    expect(await aggregate({ responses, strategy: "judge", instance: "J" })).toMatchObject({
      value: "only",
      verdict: { choice: 1, instance: "A" },
    });
    expect(judge.asked).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { orchestrateInput } from "../../src/core/requests.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { answering, fleetOfHosts } from "./aggregate-hosts.ts";
import { processes, refusalOf, testEngine } from "./harness.ts";

const week = 7 * 86_400_000;

/** A process that answers calls, and one that has made none of them, on one store. */
function twoProcesses(fleet: Record<string, string>, gone: string[] = []) {
  const store = createMemoryStore({ clock: systemClock });
  const first = testEngine({ fleet, store, processes: processes("first") });
  const second = testEngine({ fleet, store, processes: processes("second", gone) });
  return { store, first, second, answerOf: (runId: string) => second.engine.runsAnswer({ runId }) };
}

describe("what a call was answered with, told by another process", () => {
  it("is the same, for a delegate", async () => {
    const fleet = await fleetOfHosts({ A: answering({ n: 1 }) });
    const { first, answerOf } = twoProcesses(fleet);
    const answer = await first.delegate({ instances: ["A"], payload: 1 });
    const { runId } = answer;
    expect(await answerOf(runId)).toMatchObject({ answer, cancelled: false, run: { state: "ended" } });
    expect((await answerOf(runId)).run.outcomes[0]).not.toHaveProperty("result");
  });

  it("is the same, for a message of a session", async () => {
    const fleet = await fleetOfHosts({ A: answering("hello") });
    const { first, answerOf } = twoProcesses(fleet);
    await first.spawn({ sessionId: "s1", instance: ["A"] });
    const answer = await first.send({ sessionId: "s1", data: "hi" });
    expect((await answerOf(answer.runId)).answer).toEqual(answer);
  });

  it("is the same, for a plan", async () => {
    const fleet = await fleetOfHosts({ A: answering("hello") });
    const { first, answerOf } = twoProcesses(fleet);
    const steps = [{ id: "one", delegate: { instances: ["A"], payload: 1 } }];
    const input = orchestrateInput.parse({ steps });
    const answer = await first.engine.orchestrate(input, { createdBy: "test" });
    expect(answer).toMatchObject({ reply: "done", value: "hello" });
    expect((await answerOf((answer as { runId: string }).runId)).answer).toEqual(answer);
  });

  it.each([
    ["as it was asked for", { aggregate: { strategy: "merge" as const } }],
    ["in brief", { detail: "brief" as const, aggregate: true as const }],
    ["without one", {}],
  ])("is the same, for a fan-out with its aggregate %s", async (_, options) => {
    const fleet = await fleetOfHosts({ A: answering({ a: 1 }), B: answering({ b: 2 }) });
    const { first, answerOf } = twoProcesses(fleet);
    const answer = await first.fanout({ targets: ["A", "B"], ...options });
    expect((await answerOf(answer.runId)).answer).toEqual(answer);
  });

  it("is the same refusal", async () => {
    const worker = handWorker();
    const { origin } = await startHost({ worker });
    const { first, answerOf } = twoProcesses({ A: origin });
    const delegated = first.delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.fail(new Error("no such luck"));
    const refused = await refusalOf(delegated);
    expect(await answerOf(refused.runId ?? "")).toMatchObject({ error: refused.toBody(), cancelled: false });

    const asked = first.fanout({ targets: ["A"], payload: 1, minSuccess: 1 });
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[1]?.fail(new Error("no such luck"));
    const tooFew = await refusalOf(asked);
    expect(tooFew.code).toBe("quorum_not_met");
    expect((await answerOf(tooFew.runId ?? "")).error).toEqual(tooFew.toBody());
  });

  it("asks nobody to reduce or judge: that was for the process of the call, while it had time", async () => {
    const judge = answering("2");
    const fleet = await fleetOfHosts({ A: answering("a"), B: answering("b"), J: judge });
    const { first, second, answerOf } = twoProcesses(fleet);
    const aggregate = { strategy: "judge" as const, instance: "J" };
    const { runId } = await first.fanout({ targets: ["A", "B"], aggregate });
    expect(judge.asked).toHaveLength(1);
    // The process that made the call lives, and may still be at it.
    expect(await answerOf(runId)).not.toHaveProperty("answer");
    const third = testEngine({ fleet, store: second.store, processes: processes("third", ["first"]) });
    const { answer } = await third.engine.runsAnswer({ runId });
    expect(answer).toMatchObject({
      counts: { done: 2 },
      aggregateError: {
        code: "aggregate_failed",
        message: expect.stringMatching(/^Nobody was asked to judge/),
      },
    });
    expect(judge.asked).toHaveLength(1);
  });

  it("is what its face noted, once it has, for as long as the run is kept", async () => {
    const fleet = await fleetOfHosts({ A: answering("hello") });
    const { first, store, answerOf } = twoProcesses(fleet);
    const { runId } = await first.delegate({ instances: ["A"] });
    const noted = { status: "completed" as const, result: { said: "hello" } };
    await first.engine.keepAnswer({ runId, answer: noted });
    const { kept, answer, keptUntil, run } = await answerOf(runId);
    expect({ kept, answer }).toEqual({ kept: noted, answer: undefined });
    expect(Date.parse(keptUntil) - Date.parse(run.endedAt ?? "")).toBe(week);
    const [entry] = await store.list(`result/${runId}/answer`);
    expect(entry).toBeDefined();
  });
});

describe("a run that goes on", () => {
  it("has no answer yet, is stored, and is kept from its deadline on", async () => {
    const worker = handWorker();
    const { origin } = await startHost({ worker });
    const { first, answerOf } = twoProcesses({ A: origin });
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: 0, timeout: "60s" });
    const there = await first.engine.runsAnswer({ runId });
    const here = await answerOf(runId);
    for (const each of [there, here]) {
      expect(each).toMatchObject({ stored: true, run: { state: "open" } });
      expect(each).not.toHaveProperty("answer");
    }
    // The deadline is reckoned some moments before the run is made.
    const kept = Date.parse(here.keptUntil) - Date.parse(here.run.createdAt);
    expect(kept).toBeGreaterThan(week);
    expect(kept).toBeLessThanOrEqual(week + 60_000);
  });

  it("is taken up by whoever asks, when its process has ended", async () => {
    const worker = handWorker();
    const { origin } = await startHost({ worker });
    const { first, answerOf } = twoProcesses({ A: origin }, ["first"]);
    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "100ms" });
    await expect.poll(() => worker.tasks.length).toBe(1);
    expect(await answerOf(runId)).not.toHaveProperty("answer");
    worker.tasks[0]?.finish("at last");
    await expect.poll(async () => (await answerOf(runId)).answer).toMatchObject({ result: "at last" });
  });

  it("is seen by those alone who may see it", async () => {
    const fleet = await fleetOfHosts({ A: answering(1) });
    const { first } = twoProcesses(fleet);
    const { runId } = await first.delegate({ instances: ["A"] });
    expect(await first.engine.runsAnswer({ runId }, { only: "test" })).toHaveProperty("answer");
    const other = { only: "somebody else" };
    const hidden = await refusalOf(first.engine.runsAnswer({ runId }, other));
    expect(hidden.code).toBe("run_not_found");
    const answer = { status: "cancelled" as const };
    expect(await refusalOf(first.engine.keepAnswer({ runId, answer }, other))).toEqual(hidden);
  });
});

describe("a run that was cancelled", () => {
  it("is told from one that passed its deadline, and from one that others answered", async () => {
    const workers = [handWorker(), handWorker(), handWorker()] as const;
    const [a, b, c] = await Promise.all(workers.map((worker) => startHost({ worker })));
    const fleet = { A: a?.origin ?? "", B: b?.origin ?? "", C: c?.origin ?? "" };
    const { first, answerOf } = twoProcesses(fleet);
    const isCancelled = async (runId = "") => (await answerOf(runId)).cancelled;

    const { runId } = await first.delegate({ instances: ["A"], payload: 1, wait: "50ms" });
    await expect.poll(() => workers[0].tasks.length).toBe(1);
    await first.cancel(runId);
    expect(await isCancelled(runId)).toBe(true);

    const late = await refusalOf(first.delegate({ instances: ["A"], payload: 1, timeout: "300ms" }));
    expect(await isCancelled(late.runId)).toBe(false);

    const rest = first.fanout({ targets: ["B", "C"], payload: 1, minReplies: 1, cancelRest: true });
    await expect.poll(() => workers[1].tasks.length).toBe(1);
    workers[1].tasks[0]?.finish("enough");
    const answered = await rest;
    expect(answered.counts).toMatchObject({ done: 1, cancelled: 1 });
    expect(await isCancelled(answered.runId)).toBe(false);

    const { runId: partly } = await first.fanout({ targets: ["B", "C"], payload: 1, wait: "50ms" });
    await expect.poll(() => workers[1].tasks.length).toBe(2);
    workers[1].tasks[1]?.finish("in time");
    await expect.poll(async () => (await first.run(partly)).counts).toMatchObject({ done: 1 });
    await first.cancel(partly);
    expect(await isCancelled(partly)).toBe(true);
  });
});

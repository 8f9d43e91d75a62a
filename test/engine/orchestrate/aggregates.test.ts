import { describe, expect, it } from "vitest";
import { isObject } from "../../../src/core/json.ts";
import { planEngine, startWorker } from "./harness.ts";

/** A and B answer with their names, and C judges: it picks the second, unless it is told not to. */
async function setUp() {
  const [a, b] = [
    await startWorker(() => ({ by: "A", score: 1 })),
    await startWorker(() => ({ by: "B", score: 2 })),
  ];
  const c = await startWorker((payload) => {
    const isTold = isObject(payload) && String(payload.message).includes("say nothing");
    return isTold ? "…" : { choice: 2, reason: "It is the second." };
  });
  return { c, ...planEngine({ fleet: { A: a.url, B: b.url, C: c.url } }) };
}

const asked = { id: "ask", fanout: { targets: ["A", "B"], payload: "who" } };
const alone = { id: "alone", delegate: { instances: ["A"], payload: "who" } };
const judge = (instruction: string, more: object = {}) => ({
  id: "judge",
  needs: ["ask"],
  aggregate: { from: ["ask"], strategy: "judge", instance: "C", instruction },
  ...more,
});

describe("the answers of earlier steps", () => {
  it("are combined by whose they are, of fan-outs and of single tasks", async () => {
    const { orchestrate } = await setUp();
    const { value } = await orchestrate({
      steps: [
        asked,
        alone,
        { id: "top", needs: ["ask"], aggregate: { from: ["ask"], strategy: "numeric", path: "score" } },
        { id: "all", needs: ["ask", "alone"], aggregate: { from: ["alone", "ask"], strategy: "collect" } },
      ],
      output: {
        sum: "${steps.top.value.sum}",
        who: "${steps.all.value[*].instance}",
        sources: "${steps.all.sources}",
      },
    });
    expect(value).toEqual({ sum: 3, who: ["A", "A", "B"], sources: expect.arrayContaining(["A", "B"]) });
  });

  it("are judged by an instance: its verdict is kept, its run is the step's, and it counts as a call", async () => {
    const { orchestrate, run, c } = await setUp();
    const steps = [asked, judge("Pick one.")];
    const output = { picked: "${steps.judge.value.by}", verdict: "${steps.judge.verdict}" };
    const answer = await orchestrate({ steps, output, budget: { maxCalls: 3 } });
    expect(answer).toMatchObject({
      reply: "done",
      value: { picked: "B", verdict: { choice: 2, instance: "B", reason: "It is the second." } },
    });
    const [runId = ""] = answer.steps[1]?.runIds ?? [];
    expect(await run(runId)).toMatchObject({
      operation: "delegate",
      partOf: { runId: answer.runId, step: "judge", index: 0 },
      outcomes: [{ instance: "C", reply: "done" }],
    });
    const poor = await orchestrate({ steps, budget: { maxCalls: 2 } });
    expect(poor).toMatchObject({
      reply: "failed",
      error: { message: expect.stringContaining("budget of 2 calls") },
    });
    expect(c.seen).toHaveLength(1);
  });

  it("that nobody gave, or that cannot be judged, fail the step", async () => {
    const { orchestrate } = await setUp();
    const skipped = { ...asked, when: "${inputs.no}" };
    const none = await orchestrate({ inputs: { no: false }, steps: [skipped, judge("Pick one.")] });
    expect(none.error).toMatchObject({ code: "aggregate_failed", delivery: "not_sent" });
    const silent = await orchestrate({ steps: [asked, judge("Please say nothing.")] });
    expect(silent.error).toMatchObject({
      code: "aggregate_failed",
      message: expect.stringContaining("Step judge: The judge named none of the 2 answers"),
    });
  });
});

describe("a value that stands for that of a failed step", () => {
  it("may refer to what earlier steps came to; where that leads nowhere, the step fails the plan", async () => {
    const { orchestrate } = await setUp();
    const using = (use: unknown) => ({ steps: [asked, judge("Please say nothing.", { onError: { use } })] });
    const answer = await orchestrate(using({ all: "${steps.ask.value[*].result.by}" }) as never);
    expect(answer).toMatchObject({
      reply: "done",
      value: { all: ["A", "B"] },
      counts: { done: 1, failed: 1 },
    });
    const nowhere = await orchestrate(using("${steps.ask.value[7]}") as never);
    expect(nowhere).toMatchObject({
      reply: "failed",
      error: { message: 'Step judge: "${steps.ask.value[7]}" refers to nothing.' },
    });
  });
});

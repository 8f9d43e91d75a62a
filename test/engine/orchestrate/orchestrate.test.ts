import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { isObject, type Json } from "../../../src/core/json.ts";
import { handWorker, startHost } from "../../host/harness.ts";
import { refusalOf } from "../harness.ts";
import { planEngine, startWorker, states, values } from "./harness.ts";

const field = (payload: Json, name: string) => (isObject(payload) ? payload[name] : undefined);

async function setUp() {
  const a = await startWorker((payload) => ({ from: "A", payload }));
  const b = await startWorker((payload) => {
    if (field(payload, "fail")) throw new Error("told to fail");
    return { from: "B", payload };
  });
  return { a, b, ...planEngine({ fleet: { A: a.url, B: b.url } }) };
}

describe("a plan", () => {
  it("does its steps in the order of their needs, and hands on what earlier ones came to, with its type", async () => {
    const { a, b, orchestrate } = await setUp();
    const answer = await orchestrate({
      inputs: { topic: "retries", most: 3 },
      steps: [
        {
          id: "first",
          delegate: { instances: ["A"], payload: { topic: "${inputs.topic}", most: "${inputs.most}" } },
        },
        {
          id: "second",
          needs: ["first"],
          delegate: {
            instances: ["B"],
            payload: {
              all: "${steps.first.value}",
              text: "of ${steps.first.value.payload.topic}: ${inputs.most}",
              raw: "$${x}",
            },
          },
        },
      ],
    });
    expect(a.seen).toEqual([{ topic: "retries", most: 3 }]);
    expect(b.seen).toEqual([
      { all: { from: "A", payload: { topic: "retries", most: 3 } }, text: "of retries: 3", raw: "${x}" },
    ]);
    expect(answer).toMatchObject({
      reply: "done",
      counts: { total: 2, done: 2 },
      value: { from: "B" },
      steps: [
        { step: "first", state: "done", runIds: [expect.stringMatching(/^run-/)] },
        { step: "second", state: "done" },
      ],
    });
  });

  it("does independent steps at once, and no more than it may", async () => {
    const worker = handWorker();
    const host = await startHost({ worker, concurrency: 8 });
    const { orchestrate } = planEngine({ fleet: { A: host.origin } });
    const steps = ["a", "b", "c", "d"].map((id) => ({ id, delegate: { instances: ["A"], payload: id } }));
    const answer = orchestrate({ steps, concurrency: 3 });
    await expect.poll(() => worker.payloads()).toEqual(["a", "b", "c"]);
    worker.tasks[1]?.finish("done");
    await expect.poll(() => worker.payloads()).toEqual(["a", "b", "c", "d"]);
    for (const task of worker.tasks) task.finish("done");
    expect((await answer).counts).toMatchObject({ done: 4 });
  });

  it("fans out, aggregates, and does a step for each item of a list", async () => {
    const { a, orchestrate } = await setUp();
    const answer = await orchestrate({
      steps: [
        { id: "ask", fanout: { targets: ["A", "B"], payload: "who" } },
        { id: "names", needs: ["ask"], aggregate: { from: ["ask"], strategy: "collect" } },
        {
          id: "each",
          needs: ["names"],
          forEach: "${steps.names.value}",
          concurrency: 1,
          delegate: { instances: ["A"], payload: { n: "${index}", who: "${item.instance}" } },
        },
      ],
      output: { asked: "${steps.each.value[*].payload.who}", sources: "${steps.names.sources}" },
    });
    expect(answer.reply).toBe("done");
    expect(a.seen.slice(1)).toEqual([
      { n: 0, who: "A" },
      { n: 1, who: "B" },
    ]);
    expect(answer.value).toEqual({ asked: ["A", "B"], sources: ["A", "B"] });
    expect(answer.steps[2]).toMatchObject({ items: { total: 2, ended: 2 } });
  });

  it("keeps a session from step to step", async () => {
    const { orchestrate, history } = await setUp();
    const answer = await orchestrate({
      steps: [
        { id: "open", session: { spawn: { sessionId: "talk", instance: "A" } } },
        {
          id: "say",
          needs: ["open"],
          session: { send: { sessionId: "${steps.open.value}", data: { hello: 1 } } },
        },
        {
          id: "more",
          needs: ["say"],
          session: { send: { sessionId: "talk", data: "${steps.say.instance}" } },
        },
        { id: "end", needs: ["more"], session: { close: { sessionId: "talk" } } },
      ],
    });
    expect(states(answer)).toEqual({ open: "done", say: "done", more: "done", end: "done" });
    expect(await history({ sessionId: "talk" })).toMatchObject({
      state: "closed",
      transcript: [{ data: { hello: 1 } }, { data: "A" }],
    });
  });

  it("skips a step whose condition does not hold, and goes on without it", async () => {
    const { orchestrate } = await setUp();
    const step = (id: string, when: unknown) => ({
      id,
      when,
      needs: ["a"],
      delegate: { instances: ["A"], payload: id },
    });
    const answer = await orchestrate({
      steps: [
        { id: "a", delegate: { instances: ["A"], payload: { list: [], n: 5 } } },
        step("empty", "${steps.a.value.payload.list}"),
        step("there", "${steps.a.value.payload.n}"),
        step("equal", { value: "${steps.a.value.from}", equals: "A" }),
        step("other", { value: "${steps.a.value.from}", notEquals: "A" }),
        step("more", { value: "${steps.a.value.payload.n}", greaterThan: 4 }),
        step("missing", { value: "${steps.a.value.payload.nowhere}", exists: true }),
        { id: "after", needs: ["empty"], delegate: { instances: ["A"], payload: "${steps.empty}" } },
      ] as never,
    });
    expect(states(answer)).toEqual({
      ...{ a: "done", empty: "skipped", there: "done", equal: "done", other: "skipped", more: "done" },
      ...{ missing: "skipped", after: "done" },
    });
    expect(values(answer).after).toMatchObject({ payload: { value: null, reply: "skipped" } });
    expect(answer.reply).toBe("done");
  });

  it("names the step and the path where a reference leads nowhere", async () => {
    const { orchestrate } = await setUp();
    const answer = await orchestrate({
      steps: [
        { id: "a", delegate: { instances: ["A"], payload: 1 } },
        { id: "b", needs: ["a"], delegate: { instances: ["A"], payload: "${steps.a.value.items[3].id}" } },
      ],
    });
    expect(answer).toMatchObject({ reply: "failed", error: { code: "bad_request", delivery: "not_sent" } });
    expect(answer.error?.message).toBe('Step b: "${steps.a.value.items[3].id}" refers to nothing.');
  });

  it("takes what an instance said for data: a reference in it is never followed", async () => {
    const a = await startWorker(() => "${inputs.secret}");
    const b = await startWorker((payload) => payload);
    const { orchestrate } = planEngine({ fleet: { A: a.url, B: b.url } });
    const answer = await orchestrate({
      inputs: { secret: "s3cr3t" },
      steps: [
        { id: "a", delegate: { instances: ["A"], payload: 1 } },
        { id: "b", needs: ["a"], delegate: { instances: ["B"], payload: { said: "${steps.a.value}" } } },
      ],
    });
    expect(answer.value).toEqual({ said: "${inputs.secret}" });
  });
});

describe("a step that fails", () => {
  const failing = { instances: ["B"], payload: { fail: true } };
  const next = {
    id: "next",
    needs: ["bad"],
    delegate: { instances: ["A"], payload: { after: "${steps.bad.value}" } },
  };

  it("fails the plan: what is under way is let finish, and nothing else is begun", async () => {
    const worker = handWorker();
    const slow = await startHost({ worker });
    const { url } = await startWorker(() => {
      throw new Error("no");
    });
    const { orchestrate } = planEngine({ fleet: { A: slow.origin, B: url } });
    const running = orchestrate({
      steps: [
        { id: "slow", delegate: { instances: ["A"], payload: 1 } },
        { id: "bad", delegate: failing },
        next,
      ],
    });
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("finished");
    const answer = await running;
    expect(states(answer)).toEqual({ slow: "done", bad: "failed", next: "skipped" });
    expect(answer).toMatchObject({ reply: "failed", error: { code: "instance_error" } });
    expect(answer.error?.message).toContain("Step bad: ");
    expect(answer.error?.action).toContain(`{"resume":"${answer.runId}"}`);
    expect(answer.steps[2]?.error?.message).toBe("Not begun: Step bad failed.");
  });

  it.each([
    ["continue", null],
    [{ use: { instead: 1 } }, { instead: 1 }],
  ])("may go on with %j", async (onError, value) => {
    const { a, orchestrate } = await setUp();
    const answer = await orchestrate({
      steps: [{ id: "bad", delegate: failing, onError: onError as "continue" }, next],
    });
    expect(answer).toMatchObject({ reply: "done", counts: { done: 1, failed: 1 } });
    expect(a.seen).toEqual([{ after: value }]);
  });

  it("may have another step stand in for it, which sees why it failed and is done only then", async () => {
    const { a, orchestrate } = await setUp();
    const plan = (delegate: object) => ({
      steps: [
        { id: "bad", delegate, onError: { fallback: "spare" } },
        { id: "spare", delegate: { instances: ["A"], payload: { why: "${steps.bad.error.code}" } } },
        { id: "next", needs: ["bad"], delegate: { instances: ["A"], payload: "${steps.bad.value.from}" } },
      ],
    });
    const answer = await orchestrate(plan(failing) as never);
    expect(states(answer)).toEqual({ bad: "done", spare: "done", next: "done" });
    expect(answer.steps[0]).toMatchObject({ fellBackTo: "spare", error: { code: "instance_error" } });
    expect(a.seen).toEqual([{ why: "instance_error" }, "A"]);
    const well = await orchestrate(plan({ instances: ["B"], payload: {} }) as never);
    expect(states(well)).toEqual({ bad: "done", spare: "skipped", next: "done" });
  });

  it("for some items fails when the others have ended, or goes on with what it may use", async () => {
    const { b, orchestrate } = await setUp();
    const step = (onError: unknown) => ({
      steps: [
        {
          id: "each",
          forEach: [{ n: 1 }, { n: 2, fail: true }, { n: 3 }],
          concurrency: 1,
          onError,
          delegate: { instances: ["B"], payload: "${item}" },
        },
      ],
    });
    const failed = await orchestrate(step("fail") as never);
    expect(failed.reply).toBe("failed");
    expect(b.seen).toHaveLength(2);
    const used = await orchestrate(step({ use: "none" }) as never);
    expect(used.value).toEqual([{ from: "B", payload: { n: 1 } }, "none", { from: "B", payload: { n: 3 } }]);
  });
});

describe("a plan's limits", () => {
  it("its budget stops further calls, and says so", async () => {
    const { a, orchestrate } = await setUp();
    const answer = await orchestrate({
      budget: { maxCalls: 3 },
      steps: [
        { id: "two", fanout: { targets: ["A", "B"], payload: 1 } },
        { id: "one", needs: ["two"], delegate: { instances: ["A"], payload: 2 } },
        { id: "more", needs: ["one"], delegate: { instances: ["A"], payload: 3 } },
      ],
    });
    expect(states(answer)).toEqual({ two: "done", one: "done", more: "failed" });
    expect(answer.error?.message).toContain("budget of 3 calls is spent");
    expect(a.seen).toEqual([1, 2]);
  });

  it("its timeout cancels what is under way at the instances", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { orchestrate } = planEngine({ fleet: { A: host.origin } });
    const answer = await orchestrate({
      timeout: "400ms",
      steps: [
        { id: "slow", delegate: { instances: ["A"], payload: 1 } },
        { id: "next", needs: ["slow"], delegate: { instances: ["A"], payload: 2 } },
      ],
    });
    expect(answer).toMatchObject({
      reply: "cancelled",
      counts: { cancelled: 2 },
      error: { code: "timeout" },
    });
    expect(worker.tasks).toHaveLength(1);
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
  });

  it("its caller's cancel reaches everything under way", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { orchestrate } = planEngine({ fleet: { A: host.origin } });
    const cancellation = new Cancellation();
    const answer = orchestrate(
      {
        steps: [
          { id: "one", delegate: { instances: ["A"], payload: 1 } },
          { id: "many", forEach: [1, 2], delegate: { instances: ["A"], payload: "${item}" } },
        ],
      },
      { cancellation },
    );
    await expect.poll(() => worker.tasks.length).toBe(3);
    cancellation.cancel();
    expect(await answer).toMatchObject({ reply: "cancelled", counts: { cancelled: 2 } });
    expect(worker.tasks.every((task) => task.cancellation.error)).toBe(true);
  });
});

describe("a plan's run", () => {
  it("is read with the state, time and value of each step, and pages of long values; its calls are runs of their own", async () => {
    const long = "x".repeat(30_000);
    const a = await startWorker((payload) => (payload === "long" ? long : payload));
    const { orchestrate, run, engine } = planEngine({ fleet: { A: a.url } });
    const { runId, steps } = await orchestrate({
      steps: [
        { id: "short", delegate: { instances: ["A"], payload: "short" } },
        { id: "long", delegate: { instances: ["A"], payload: "long" } },
      ],
      output: "${steps.short.value}",
    });
    expect(steps[1]).toMatchObject({ valueChars: 30_002, elapsedMs: expect.any(Number) });
    expect(await run(runId)).toMatchObject({
      operation: "orchestrate",
      state: "ended",
      reply: "done",
      value: "short",
      counts: { total: 2, done: 2 },
      steps: [
        { step: "short", value: "short" },
        { step: "long", valueChars: 30_002 },
      ],
    });
    expect(await engine.runsGet({ runId, step: "long", offset: 20_000 })).toMatchObject({
      step: "long",
      text: long.slice(20_000),
      totalChars: 30_000,
    });
    expect(await engine.runsGet({ runId, value: true, offset: 2 })).toEqual({
      ...{ runId, reply: "done", offset: 2, text: "ort", totalChars: 5 },
    });
    expect(
      await refusalOf(engine.runsGet({ runId: steps[0]?.runIds[0] ?? "", value: true, offset: 0 })),
    ).toMatchObject({ code: "bad_request", message: expect.stringMatching(/^value: run \S+ is no plan\.$/) });
    expect(await run(steps[0]?.runIds[0] ?? "")).toMatchObject({
      operation: "delegate",
      partOf: { runId, step: "short", index: 0 },
    });
    expect(await refusalOf(engine.runsGet({ runId, step: "none", offset: 0 }))).toMatchObject({
      code: "bad_request",
    });
  });

  it("has a value of its own in pages, also one that is made of several steps", async () => {
    const a = await startWorker(() => "b".repeat(30_000));
    const { orchestrate, engine } = planEngine({ fleet: { A: a.url } });
    const steps = ["one", "two"].map((id) => ({ id, delegate: { instances: ["A"], payload: 1 } }));
    const { runId, value } = await orchestrate({
      steps,
      output: ["${steps.one.value}", "${steps.two.value}"],
    });
    let text = "";
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page = await engine.runsGet({ runId, value: true, offset });
      if (!("text" in page)) throw new Error("a page was asked for");
      expect(page.totalChars).toBe(60_007);
      text += page.text;
      offset = page.nextOffset;
    }
    expect(JSON.parse(text)).toEqual(value);
  });

  it("tells of each step as it ends, and its id at once", async () => {
    const { orchestrate, engine } = await setUp();
    const seen: (string | undefined)[] = [];
    const ids: string[] = [];
    const { runId } = await orchestrate(
      {
        steps: [
          { id: "a", delegate: { instances: ["A"], payload: 1 } },
          { id: "b", needs: ["a"], delegate: { instances: ["B"], payload: 1 } },
        ],
      },
      {
        onProgress: ({ step, ended, total }) => seen.push(`${step} ${ended}/${total}`),
        onRun: (id) => ids.push(id),
      },
    );
    expect(seen).toEqual(["a 1/2", "b 2/2"]);
    expect(ids).toEqual([runId]);
    const events: unknown[] = [];
    for await (const { event, data } of engine.runsEvents({ runId }))
      events.push([event, "step" in data && data.step]);
    expect(events).toEqual([
      ["step", "a"],
      ["step", "b"],
      ["end", false],
    ]);
  });

  it("past the wait is a handle; the same key again is the same plan", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { orchestrate, run } = planEngine({ fleet: { A: host.origin } });
    const plan = { idempotencyKey: "k", steps: [{ id: "a", delegate: { instances: ["A"], payload: 1 } }] };
    const handle = await orchestrate({ ...plan, wait: "50ms" });
    expect(handle).toMatchObject({ reply: "pending", survivesExit: false, counts: { pending: 1 } });
    const again = orchestrate(plan);
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("once");
    expect(await again).toMatchObject({ runId: handle.runId, reply: "done", value: "once" });
    expect(await run(handle.runId)).toMatchObject({ reply: "done", value: "once" });
    expect(worker.tasks).toHaveLength(1);
  });
});

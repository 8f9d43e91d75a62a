import { describe, expect, it } from "vitest";
import type { PlanStep } from "../../src/core/calls.ts";
import { isObject } from "../../src/core/json.ts";
import { testEngine } from "../engine/harness.ts";
import { startWorker } from "../engine/orchestrate/harness.ts";
import { onEnd } from "../host/harness.ts";
import { startServer } from "../http/harness.ts";
import { clientOf, done, refusalOf, startFaults, startFleet } from "./harness.ts";
import { loseAnswer, pass } from "./proxy.ts";

const PATIENT = { timeout: 10_000 };
const at = (instances: string, payload: unknown) => ({ instances, payload });
const chain: PlanStep[] = [
  { id: "one", delegate: at("A", { n: 1 }) },
  { id: "two", needs: ["one"], delegate: at("B", { from: "${steps.one.value.from}" }) },
];

/** The real server over one instance that fails what says so until it is mended, behind a proxy. */
async function startMendable() {
  let isMended = false;
  const { url, seen } = await startWorker((payload) => {
    if (!isMended && isObject(payload) && payload.may === "fail") throw new Error("told to");
    return payload;
  });
  const { engine } = testEngine({ fleet: { A: url } });
  const served = await startServer({ engine });
  onEnd(() => served.close());
  const proxy = await startFaults();
  proxy.play(pass(served.origin));
  const steps: PlanStep[] = [
    { id: "one", delegate: at("A", { n: 1 }) },
    { id: "two", needs: ["one"], delegate: at("A", { may: "fail" }) },
  ];
  return {
    ...{ seen, steps, proxy, origin: served.origin, client: clientOf(proxy.url) },
    mend: () => {
      isMended = true;
    },
  };
}

describe("a plan at a server", () => {
  it("is worked through, and tells its id and its steps as they end", async () => {
    const { url, finishAll } = await startFleet(2);
    finishAll();
    const ids: string[] = [];
    const seen: unknown[] = [];
    const answer = done(
      await clientOf(url).orchestrate(
        { steps: chain, inputs: { x: 1 } },
        {
          onRun: (runId) => ids.push(runId),
          onProgress: ({ step, reply, ended, total }) => seen.push([step, reply, ended, total]),
        },
      ),
    );
    expect(answer).toMatchObject({
      reply: "done",
      value: { from: 1 },
      counts: { total: 2, done: 2, skipped: 0 },
      steps: [
        { step: "one", value: { from: 0 } },
        { step: "two", runIds: [expect.any(String)] },
      ],
    });
    expect(ids).toEqual([answer.runId]);
    expect(seen).toEqual([
      ["one", "done", 1, 2],
      ["two", "done", 2, 2],
    ]);
  });

  it("that takes longer than a request is several requests, and one plan", async () => {
    const { url, workers, begun } = await startFleet();
    const client = clientOf(url, { longestWaitMs: 60 });
    const answer = client.orchestrate({ steps: [{ id: "slow", delegate: at("A", 1) }], wait: "10s" });
    await expect.poll(() => workers[0]?.tasks.length, PATIENT).toBe(1);
    setTimeout(() => workers[0]?.tasks[0]?.finish("late"), 300);
    expect(await answer).toMatchObject({ reply: "done", value: "late" });
    expect(begun()).toBe(1);
  });

  it("is read by its steps, and its events are steps", async () => {
    const { url, finishAll } = await startFleet(2);
    finishAll();
    const client = clientOf(url);
    const { runId } = done(await client.orchestrate({ steps: chain }));
    expect(await client.runsGet({ runId, step: "two" })).toMatchObject({ step: "two", text: '{"from":1}' });
    expect(await client.runsGet({ runId, value: true, wait: "1s" })).toMatchObject({
      ...{ reply: "done", text: '{"from":1}' },
    });
    const told: unknown[] = [];
    for await (const { event, data } of client.runsEvents({ runId }))
      told.push([event, "step" in data ? data.step : undefined]);
    expect(told).toEqual([
      ["step", "one"],
      ["step", "two"],
      ["end", undefined],
    ]);
  });

  it("is only explained with dryRun, and refused with all that is wrong in it", async () => {
    const { url, begun } = await startFleet(2);
    const client = clientOf(url);
    expect(await client.orchestrate({ steps: chain, dryRun: true })).toMatchObject({
      dryRun: true,
      explanation: { notes: ["one: at once", "two: after one"] },
    });
    const error = await refusalOf(
      client.orchestrate({ steps: [{ id: "one", needs: ["no"], delegate: at("Z", 1) }] }),
    );
    expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(error.details?.problems).toMatchObject([
      { at: "steps[0].needs[0]" },
      { at: "steps[0].delegate.instances" },
    ]);
    expect(begun()).toBe(0);
  });

  it("whose answer is lost is asked for again, and worked through once", async () => {
    const { client, proxy, origin, seen, mend, steps } = await startMendable();
    mend();
    proxy.play(loseAnswer(origin), loseAnswer(origin), pass(origin));
    expect(await client.orchestrate({ steps })).toMatchObject({ reply: "done" });
    expect(seen).toHaveLength(2);
  });

  it("is cancelled at its instances when the caller's signal is aborted", async () => {
    const { url, workers } = await startFleet();
    const abort = new AbortController();
    const answer = clientOf(url).orchestrate(
      { steps: [{ id: "slow", delegate: at("A", 1) }] },
      { signal: abort.signal },
    );
    await expect.poll(() => workers[0]?.tasks.length, PATIENT).toBe(1);
    abort.abort();
    expect(await answer).toMatchObject({ reply: "cancelled", counts: { cancelled: 1 } });
    expect(workers[0]?.tasks[0]?.cancellation.error).toBeDefined();
  });
});

describe("a plan that failed", () => {
  it("is resumed under its own id, and waited for, and what was done is not done again", async () => {
    const { client, seen, steps, mend } = await startMendable();
    const failed = done(await client.orchestrate({ steps }));
    expect(failed).toMatchObject({ reply: "failed", error: { code: "instance_error" } });
    const { runId } = failed;
    expect(await client.orchestrate({ resume: runId })).toMatchObject({ runId, reply: "failed" });
    mend();
    const ids: string[] = [];
    const told: unknown[] = [];
    const answer = await client.orchestrate(
      { resume: runId },
      { onRun: (id) => ids.push(id), onProgress: ({ step, reply }) => told.push([step, reply]) },
    );
    const { elapsedMs: _, ...kept } = failed.steps[0] ?? {};
    expect(answer).toMatchObject({
      ...{ runId, reply: "done", value: { may: "fail" } },
      steps: [kept, { step: "two", state: "done" }],
    });
    expect(ids).toEqual([runId]);
    expect(told).toContainEqual(["two", "done"]);
    expect(seen).toEqual([{ n: 1 }, ...Array(3).fill({ may: "fail" })]);
    expect((await refusalOf(client.orchestrate({ resume: runId }))).code).toBe("conflict");
    expect((await refusalOf(client.orchestrate({ resume: "run-none" }))).code).toBe("run_not_found");
    expect((await refusalOf(client.orchestrate({ resume: "" }))).message).toContain("resume");
  });

  it("is not resumed twice when the answer is lost: the error has its run, which tells the rest", async () => {
    const { client, seen, steps, proxy, origin } = await startMendable();
    const { runId } = done(await client.orchestrate({ steps }));
    proxy.play(loseAnswer(origin), pass(origin));
    const error = await refusalOf(client.orchestrate({ resume: runId }));
    expect(error).toMatchObject({ runId, delivery: "unknown" });
    const run = await client.runsGet({ runId, wait: "10s" });
    expect(run).toMatchObject({ state: "ended", reply: "failed" });
    expect(seen).toHaveLength(3);
  });

  it("that is resumed can be cancelled, and left to itself with a short wait", async () => {
    const { url, workers } = await startFleet();
    const client = clientOf(url);
    const steps: PlanStep[] = [{ id: "slow", delegate: at("A", 1) }];
    const task = async (count: number) => {
      await expect.poll(() => workers[0]?.tasks.length, PATIENT).toBe(count);
      return workers[0]?.tasks[count - 1];
    };
    const first = client.orchestrate({ steps, timeout: "20s" });
    (await task(1))?.fail(new Error("no"));
    const { runId } = done(await first);
    expect(await client.orchestrate({ resume: runId, wait: 0 })).toMatchObject({
      ...{ runId, reply: "pending", survivesExit: false },
    });
    (await task(2))?.fail(new Error("no"));
    await client.runsGet({ runId, wait: "10s" });
    const abort = new AbortController();
    const again = client.orchestrate({ resume: runId }, { signal: abort.signal });
    await task(3);
    abort.abort();
    expect(await again).toMatchObject({ runId, reply: "cancelled" });
    expect(
      (await refusalOf(client.orchestrate({ resume: runId }, { signal: abort.signal }))).message,
    ).toContain("before anything was sent");
  });
});

import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import { isObject } from "../../src/core/json.ts";
import { testEngine } from "../engine/harness.ts";
import { startWorker } from "../engine/orchestrate/harness.ts";
import { handWorker, onEnd, startHost } from "../host/harness.ts";
import { httpClient } from "../support/http.ts";
import { startServer } from "./harness.ts";

const PATIENT = { timeout: 10_000 };

/** The real server over a real engine; A echoes and fails while `fail` is set, B answers when the test says so. */
async function setUp() {
  let fails = false;
  const a = await startWorker((payload) => {
    if (fails && isObject(payload) && payload.may === "fail") throw new Error("told to");
    return payload;
  });
  const worker = handWorker();
  const b = await startHost({ worker });
  const { engine } = testEngine({ fleet: { A: a.url, B: b.origin } });
  const served = await startServer({ engine });
  onEnd(() => served.close());
  const client = httpClient();
  onEnd(() => client.close());
  const base = `${served.origin}/api/orchestrator`;
  return {
    ...{ a, worker, engine, origin: served.origin, base },
    setFails: (value: boolean) => {
      fails = value;
    },
    get: (path: string) => client.call("GET", `${base}/${path}`),
    post: (body: unknown, path = "orchestrate") => client.call("POST", `${base}/${path}`, { body }),
    remove: (path: string) => client.call("DELETE", `${base}/${path}`),
  };
}

const step = (id: string, more: object = {}) => ({
  id,
  delegate: { instances: ["A"], payload: { id } },
  ...more,
});
const chain = [step("one"), step("two", { needs: ["one"] })];

/** The events of a stream, as pairs of what happened and the step it is about. */
async function eventsOf(origin: string, path: string): Promise<[event: string, step: unknown][]> {
  const agent = new Agent();
  const { body } = await agent.request({ origin, path, method: "GET" });
  const text = await body.text();
  await agent.close();
  return text.split("\n\n").flatMap((block): [string, unknown][] => {
    const event = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    return event === undefined || data === undefined ? [] : [[event, JSON.parse(data).step]];
  });
}

describe("POST orchestrate", () => {
  it.each(["/api/orchestrator", "/orchestrator"])("under %s works through a plan", async (base) => {
    const { a, origin } = await setUp();
    const client = httpClient();
    onEnd(() => client.close());
    const body = {
      inputs: { n: 7 },
      steps: [step("one", { delegate: { instances: "A", payload: "${inputs.n}" } })],
    };
    const {
      status,
      headers,
      body: answer,
    } = await client.call("POST", `${origin}${base}/orchestrate`, { body });
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      reply: "done",
      value: 7,
      counts: { total: 1, done: 1 },
      steps: [{ step: "one", state: "done", value: 7, runIds: [expect.stringMatching(/^run-/)] }],
    });
    expect(headers["orchestrator-run-id"]).toBe(answer.runId);
    expect(headers.location).toBeUndefined();
    expect(a.seen).toEqual([7]);
  });

  it("past its wait is 202 with the run's address, which is waited on, read by step and listed", async () => {
    const { worker, get, post } = await setUp();
    const slow = step("slow", { delegate: { instances: ["B"], payload: 1 } });
    const { status, headers, body } = await post({ steps: [step("one"), slow], wait: 0 });
    expect([status, headers.location]).toEqual([202, `/api/orchestrator/runs/${body.runId}`]);
    expect(body).toMatchObject({ reply: "pending", survivesExit: false });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const open = await get(`runs/${body.runId}`);
    expect(open.body).toMatchObject({
      state: "open",
      steps: [{ step: "one" }, { step: "slow", state: "running" }],
    });
    expect((await get(`runs/${body.runId}?step=slow`)).body).toMatchObject({
      step: "slow",
      reply: "pending",
    });
    const waiting = get(`runs/${body.runId}?wait=10`);
    worker.tasks[0]?.finish("x".repeat(30_000));
    const ended = (await waiting).body;
    expect(ended).toMatchObject({
      ...{ operation: "orchestrate", state: "ended", reply: "done" },
      steps: [{ value: { id: "one" } }, { step: "slow", valueChars: 30_002 }],
    });
    const page = await get(`runs/${body.runId}?step=slow&offset=20000`);
    expect(page.body).toMatchObject({ step: "slow", text: "x".repeat(10_000), totalChars: 30_000 });
    const value = await get(`runs/${body.runId}?value=true&offset=29990`);
    expect(value.body).toMatchObject({ reply: "done", text: "x".repeat(10), totalChars: 30_000 });
    expect(await get(`runs/${body.runId}?step=none`)).toMatchObject({
      status: 400,
      body: {
        error: { code: "bad_request", message: expect.stringContaining("no step none. It has: one, slow") },
      },
    });
    const { items } = (await get("runs?limit=10")).body;
    expect(items.filter((run: { operation: string }) => run.operation === "orchestrate")).toMatchObject([
      { runId: body.runId, counts: { total: 2, done: 2, skipped: 0 }, createdBy: "rest" },
    ]);
  });

  it("is cancelled with its calls by DELETE", async () => {
    const { worker, post, remove } = await setUp();
    const slow = step("slow", { delegate: { instances: ["B"], payload: 1 } });
    const { body } = await post({ steps: [slow, step("end", { needs: ["slow"] })], wait: 0 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    expect((await remove(`runs/${body.runId}`)).body).toMatchObject({
      state: "ended",
      reply: "cancelled",
      counts: { cancelled: 2 },
    });
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
  });

  it("with the same key is the same plan", async () => {
    const { a, post } = await setUp();
    const call = { steps: chain, idempotencyKey: "k" };
    const [first, again] = [await post(call), await post(call)];
    expect([again.status, again.body.runId]).toEqual([200, first.body.runId]);
    expect(a.seen).toHaveLength(2);
    expect(await post({ ...call, steps: [step("other")] })).toMatchObject({
      status: 409,
      body: { error: { code: "conflict" } },
    });
  });

  it("only checks and explains with dryRun", async () => {
    const { a, get, post } = await setUp();
    expect(await post({ steps: chain, dryRun: true })).toMatchObject({
      status: 200,
      body: { dryRun: true, operation: "orchestrate", explanation: { order: ["one", "two"] } },
    });
    expect([a.seen, (await get("runs")).body.items]).toEqual([[], []]);
  });

  it("refuses a plan with all that is wrong in it", async () => {
    const { a, post } = await setUp();
    const { status, body } = await post({
      steps: [
        step("one", { needs: ["two"] }),
        step("two", { needs: ["one"], wen: "${inputs.x}" }),
        { id: "1" },
      ],
    });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: "bad_request", delivery: "not_sent", retryable: false });
    expect(body.error.details.problems).toEqual([
      { at: "steps[1].wen", problem: "no such field; did you mean when?" },
      { at: "steps[2].id", problem: expect.stringMatching(/^expected 1 to 64 letters/) },
      { at: "steps[2]", problem: "give one of delegate, fanout, aggregate, session" },
      { at: "steps[0].needs", problem: "one waits for itself: one → two → one" },
    ]);
    expect(a.seen).toEqual([]);
  });
});

describe("a plan that failed", () => {
  it("is answered 200 with why, and goes on when it is resumed: what was done is not done again", async () => {
    const { a, setFails, post, get } = await setUp();
    setFails(true);
    const may = { instances: ["A"], payload: { may: "fail" } };
    const steps = [step("one"), step("two", { needs: ["one"], delegate: may })];
    const failed = await post({ steps });
    expect(failed).toMatchObject({
      status: 200,
      body: {
        reply: "failed",
        error: { code: "instance_error", message: expect.stringMatching(/^Step two: /) },
      },
    });
    const { runId } = failed.body;
    expect((await get(`runs/${runId}`)).body).toMatchObject({
      reply: "failed",
      error: { code: "instance_error" },
    });
    setFails(false);
    const resumed = await post({ resume: runId });
    expect(resumed).toMatchObject({ status: 200, body: { runId, reply: "done", value: { may: "fail" } } });
    expect(a.seen).toEqual([{ id: "one" }, { may: "fail" }, { may: "fail" }]);
    expect(await post({ resume: runId })).toMatchObject({
      status: 409,
      body: { error: { code: "conflict" } },
    });
    expect(await post({ resume: "run-none" })).toMatchObject({ status: 404 });
  });
});

describe("the events of a plan", () => {
  it("are its steps as they end, then its end", async () => {
    const { worker, origin, post } = await setUp();
    const slow = step("slow", { delegate: { instances: ["B"], payload: 1 } });
    const { body } = await post({ steps: [slow, step("end", { needs: ["slow"] })], wait: 0 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const told = eventsOf(origin, `/api/orchestrator/runs/${body.runId}/events`);
    worker.tasks[0]?.finish("done");
    const expected = [
      ["step", "slow"],
      ["step", "end"],
      ["end", undefined],
    ];
    expect(await told).toEqual(expected);
    expect(await eventsOf(origin, `/api/orchestrator/runs/${body.runId}/events`)).toEqual(expected);
  });
});

import { describe, expect, it } from "vitest";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { done, refuse, respond } from "../support/faults.ts";
import { refusalOf, testEngine } from "./harness.ts";

const dead = async () => `http://127.0.0.1:${await closedPort()}`;

describe("delegate", () => {
  it("has the first candidate do the task, and asks nobody else", async () => {
    const [a, b] = [echoWorker(), echoWorker()];
    const hosts = [await startHost({ worker: a }), await startHost({ worker: b, name: "B" })];
    const { delegate } = testEngine({ fleet: { A: hosts[0]?.origin ?? "", B: hosts[1]?.origin ?? "" } });

    const answer = await delegate({ instances: ["B", "A"], payload: { n: 1 } });

    expect(answer).toMatchObject({ instance: "B", delivery: "accepted", reply: "done", result: { n: 1 } });
    expect(answer.attempts).toHaveLength(1);
    expect(answer.explanation.order).toEqual(["B", "A"]);
    expect(a.runs).toEqual([]);
  });

  it("goes on to the next candidate when a connection is refused, and says so", async () => {
    const host = await startHost({ worker: echoWorker(), name: "B" });
    const { delegate } = testEngine({ fleet: { A: await dead(), B: host.origin } });

    const answer = await delegate({ instances: ["A", "B"], payload: "x" });

    expect(answer).toMatchObject({ instance: "B", reply: "done" });
    expect(answer.attempts).toMatchObject([
      { instance: "A", delivery: "not_sent", error: { code: "instance_down" } },
      { instance: "B", delivery: "accepted" },
    ]);
  });

  it("takes a 4xx for a refusal of this very request: the next candidate, never again there", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(refuse(400, { code: "bad_request", message: "no field query" }));
    b.play(refuse(503, { code: "overloaded", delivery: "not_sent" }), done("from B"));
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });

    const answer = await delegate({ instances: ["A", "B"] });

    expect(answer).toMatchObject({ instance: "B", result: "from B" });
    expect(a.requests).toHaveLength(1);
    expect(b.requests).toHaveLength(2);
    expect(answer.attempts[0]?.error?.message).toContain("no field query");
  });

  it("keeps the instance's own words of a refusal", async () => {
    const a = await startServer();
    a.play(respond({ status: 422, body: "the widget must be green" }));
    const { delegate } = testEngine({ fleet: { A: a.url } });
    const error = await refusalOf(delegate({ instances: ["A"] }));
    expect(error).toMatchObject({ code: "bad_request", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("the widget must be green");
    expect(a.requests).toHaveLength(1);
  });

  it("names every candidate once when none took the task, with the runId and the attempts", async () => {
    const b = await startServer();
    b.play(refuse(400, { code: "bad_request", message: "no" }));
    const { delegate } = testEngine({ fleet: { A: await dead(), B: b.url }, settings: { retries: 0 } });
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error.message).toBe("No candidate took the task: A: connection refused; B answered HTTP 400: no.");
    expect(error).toMatchObject({ delivery: "not_sent", retryable: true });
    expect(error.runId).toMatch(/^run-/);
    expect(error.details?.attempts).toHaveLength(2);
  });

  it("does not try a failed reply elsewhere", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(
      respond({ body: { taskId: "t", reply: "failed", error: { code: "instance_error", message: "boom" } } }),
    );
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error).toMatchObject({
      code: "instance_error",
      instance: "A",
      delivery: "accepted",
      retryable: false,
    });
    expect(error.message).toContain("boom");
    expect([a.requests.length, b.requests.length]).toEqual([1, 0]);
  });

  it("tries a failed reply elsewhere if the work is idempotent", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(
      respond({ body: { taskId: "t", reply: "failed", error: { code: "instance_error", message: "boom" } } }),
    );
    b.play(done("from B"));
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    expect(await delegate({ instances: ["A", "B"], idempotent: true })).toMatchObject({ instance: "B" });
  });

  it("does not try elsewhere what was cancelled at its instance, even if it is idempotent", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(respond({ body: { taskId: "t", reply: "cancelled" } }));
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    const error = await refusalOf(delegate({ instances: ["A", "B"], idempotent: true }));
    expect(error).toMatchObject({ code: "cancelled", delivery: "accepted" });
    expect(b.requests).toEqual([]);
  });

  it.each([
    ["none", ["A"], undefined],
    ["listed", ["A", "B"], undefined],
    ["any", ["A", "B", "C"], "C"],
  ] as const)("with fallback %s may ask %j", async (fallback, order, winner) => {
    const c = await startServer();
    c.play(done());
    const { delegate } = testEngine({
      fleet: { A: await dead(), B: await dead(), C: c.url },
      settings: { retries: 0 },
    });
    const call = delegate({ instances: ["A", "B"], fallback });
    if (winner) {
      expect(await call).toMatchObject({ instance: winner, explanation: { order } });
    } else {
      const { details = {} } = await refusalOf(call);
      expect(details.attempts).toMatchObject(order.map((instance) => ({ instance })));
    }
  });

  it("asks whom the configuration names where a call names nobody, and nobody where neither does", async () => {
    const host = await startHost({ worker: echoWorker() });
    const fleet = { A: host.origin, B: await dead() };
    expect(await testEngine({ fleet, settings: { targets: "A" } }).delegate({})).toMatchObject({
      instance: "A",
    });
    const error = await refusalOf(testEngine({ fleet }).delegate({}));
    expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(error.message).toContain("instances");
  });

  it("refuses an unknown name before anything is sent, with the known ones and the nearest", async () => {
    const a = await startServer();
    const { delegate } = testEngine({ fleet: { "node-a": a.url } });
    const error = await refusalOf(delegate({ instances: ["node-a", "node-b"] }));
    expect(error).toMatchObject({
      code: "unknown_instance",
      delivery: "not_sent",
      details: { known: ["node-a"] },
    });
    expect(error.message).toContain("Did you mean node-a?");
    expect(a.requests).toEqual([]);
  });
});

describe("health in delegate", () => {
  it("says at once, without a request, what refused within the last 5 s", async () => {
    const url = await dead();
    const { delegate } = testEngine({ fleet: { A: url }, settings: { retries: 0 } });
    await refusalOf(delegate({ instances: ["A"], payload: 1 }));
    const error = await refusalOf(delegate({ instances: ["A"], payload: 1 }));
    expect(error).toMatchObject({ code: "instance_down", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("Nothing was sent");
    expect(error.runId).toBeUndefined();
  });

  it("leaves a candidate that refused lately out, and tells why beside the result and in an error", async () => {
    const b = await startServer();
    b.play(done(), refuse(400, { code: "bad_request", message: "no" }));
    const { delegate } = testEngine({ fleet: { A: await dead(), B: b.url }, settings: { retries: 0 } });
    await delegate({ instances: ["A", "B"] });
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error.message).toMatch(/B answered HTTP 400: no; A is down: .*connection refused/);
    expect(error.details?.excluded).toMatchObject([{ instance: "A" }]);
    b.play(done());
    const answer = await delegate({ instances: ["A", "B"] });
    expect(answer.explanation).toMatchObject({ order: ["B"], excluded: [{ instance: "A" }] });
  });

  it("takes a drain for a refusal, remembers it, and calls it draining", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate, health } = testEngine({ fleet: { A: host.origin }, settings: { retries: 0 } });
    const running = delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    void host.drain();
    expect(await refusalOf(delegate({ instances: ["A"], payload: 1 }))).toMatchObject({ code: "draining" });
    expect(await refusalOf(delegate({ instances: ["A"], payload: 1 }))).toMatchObject({
      code: "draining",
      runId: undefined,
    });
    expect(await health(["A"])).toMatchObject([{ state: "draining" }]);
    worker.tasks[0]?.finish("finished all the same");
    expect(await running).toMatchObject({ result: "finished all the same" });
  });
});

import { describe, expect, it } from "vitest";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { startServer } from "../instances/harness.ts";
import { done, hang, respond } from "../support/faults.ts";
import { refusalOf, testEngine } from "./harness.ts";

describe("waiting", () => {
  it("polls a pending task to its end", async () => {
    const a = await startServer();
    const pending = respond({ status: 202, body: { taskId: "t1", reply: "pending" } });
    a.play(pending, pending, done("late"));
    const { delegate } = testEngine({ fleet: { A: a.url } });
    expect(await delegate({ instances: ["A"], payload: 1 })).toMatchObject({
      result: "late",
      delivery: "accepted",
    });
    expect(a.requests.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
    expect(a.requests[1]?.path).toContain("/api/tasks/t1");
  });

  it("returns a handle when the wait is over, and the run goes on to its result", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate, run } = testEngine({ fleet: { A: host.origin } });
    const handle = await delegate({ instances: ["A"], payload: 1, wait: "50ms" });
    expect(handle).toMatchObject({ reply: "pending", instance: "A" });
    expect(await run(handle.runId)).toMatchObject({ state: "open", counts: { total: 1, pending: 1 } });
    const waiting = run(handle.runId, 10);
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish({ answer: 42 });
    expect(await waiting).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", reply: "done", result: { answer: 42 } }],
    });
  });

  it("answers a wait of 0 with the handle, for a run that can be read at once", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { delegate, run } = testEngine({ fleet: { A: host.origin } });
    const { runId, reply } = await delegate({ instances: ["A"], payload: 1, wait: 0 });
    expect(reply).toBe("pending");
    expect(await run(runId, 5)).toMatchObject({ outcomes: [{ result: 1 }] });
  });

  it("is over when the face can keep the call open no longer, also where the deadline is near", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate } = testEngine({ fleet: { A: host.origin } });
    const call = { instances: ["A"], payload: 1, wait: "10s", timeout: "10s" };
    expect(await delegate(call, { longestWaitMs: 100 })).toMatchObject({ reply: "pending" });
  });

  it("passes the timeout to the instance as a cancel, and tells a timeout rather than a handle", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate, run } = testEngine({ fleet: { A: host.origin } });
    const error = await refusalOf(delegate({ instances: ["A"], payload: 1, timeout: "1.2s" }));
    expect(error).toMatchObject({ code: "timeout", instance: "A", delivery: "accepted", retryable: false });
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
    expect(await run(error.runId ?? "")).toMatchObject({ outcomes: [{ reply: "cancelled" }] });
  });

  it("says of an instance that does not even answer the cancel that the work may go on", async () => {
    const a = await startServer();
    a.play(hang);
    const { delegate } = testEngine({ fleet: { A: a.url } });
    const startedAt = performance.now();
    const error = await refusalOf(delegate({ instances: ["A"], timeout: "300ms" }));
    expect(error).toMatchObject({ code: "timeout", delivery: "unknown", retryable: false });
    expect(error.message).toContain("could not be stopped");
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(a.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  });
});

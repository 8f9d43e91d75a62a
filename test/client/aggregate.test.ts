import { describe, expect, it } from "vitest";
import { clientOf, done, startFleet } from "./harness.ts";

describe("an aggregate over REST", () => {
  it("that an instance makes is waited for in several requests, and asked for once", async () => {
    const { url, workers } = await startFleet(1);
    const client = clientOf(url, { longestWaitMs: 200 });
    const responses = ["red", "green"].map((result, index) => ({ instance: "XY"[index] ?? "", result }));
    const answer = client.aggregate({ responses, strategy: "judge", instance: "A", wait: "10s" });
    await expect.poll(() => workers[0]?.tasks.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    workers[0]?.tasks[0]?.finish({ choice: 2, reason: "it is" });
    expect(await answer).toMatchObject({
      value: "green",
      verdict: { choice: 2, instance: "Y", reason: "it is" },
      by: { instance: "A" },
    });
    expect(workers[0]?.tasks).toHaveLength(1);
  });

  it("that an instance makes is cancelled there, when it has been asked", async () => {
    const { url, workers } = await startFleet(1);
    const call = { strategy: "reduce", instance: "A", instruction: "x", wait: "10s" } as const;
    const responses = [{ instance: "X", result: 1 }];
    const stop = new AbortController();
    const answer = clientOf(url).aggregate({ ...call, responses }, { signal: stop.signal });
    answer.catch(() => {});
    await expect.poll(() => workers[0]?.tasks.length).toBe(1);
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: "cancelled", runId: expect.stringMatching(/^run-/) });
    expect(workers[0]?.tasks[0]?.cancellation.error?.code).toBe("cancelled");
    await expect(
      clientOf(url).aggregate({ ...call, responses }, { signal: stop.signal }),
    ).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(workers[0]?.tasks).toHaveLength(1);
  });

  it("is pending when the wait is over first", async () => {
    const { url } = await startFleet(1);
    const call = { strategy: "reduce", instance: "A", instruction: "x", wait: "300ms" } as const;
    const answer = await clientOf(url).aggregate({ ...call, responses: [{ instance: "X", result: 1 }] });
    expect(answer).toMatchObject({
      pending: true,
      value: null,
      by: { runId: expect.stringMatching(/^run-/) },
    });
  });

  it("in a fan-out is waited for beyond one request", async () => {
    const { url, workers } = await startFleet(2);
    const client = clientOf(url, { longestWaitMs: 200 });
    const aggregate = { strategy: "reduce", instance: "B", instruction: "Sum up." } as const;
    const answer = client.fanout({ targets: "A", payload: 1, aggregate, wait: "15s" });
    await expect.poll(() => workers[0]?.tasks.length).toBe(1);
    workers[0]?.tasks[0]?.finish("red");
    await expect.poll(() => workers[1]?.tasks.length, { timeout: 5_000 }).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    workers[1]?.tasks[0]?.finish("made");
    expect(done(await answer).aggregate).toMatchObject({
      value: "made",
      sources: ["A"],
      by: { instance: "B" },
    });
    expect(workers.map(({ tasks }) => tasks.length)).toEqual([1, 1]);
  });

  it("stops early at a quorum beyond one request, and tells minSuccess as an error", async () => {
    const { url, workers } = await startFleet(3);
    const client = clientOf(url, { longestWaitMs: 200 });
    const aggregate = { strategy: "quorum", quorum: 2 } as const;
    const answer = client.fanout({ targets: "A-C", payload: 1, aggregate, wait: "15s" });
    await expect.poll(() => workers.map(({ tasks }) => tasks.length)).toEqual([1, 1, 1]);
    for (const worker of workers.slice(0, 2)) worker.tasks[0]?.finish("yes");
    expect(done(await answer)).toMatchObject({
      counts: { done: 2, cancelled: 1 },
      aggregate: { value: "yes", consensus: true },
    });
    const responses = [{ instance: "A", result: 1 }];
    await expect(client.aggregate({ responses, strategy: "first", minSuccess: 2 })).rejects.toMatchObject({
      code: "quorum_not_met",
      details: { done: 1, aggregate: { value: 1 } },
    });
  });
});

import { describe, expect, it } from "vitest";
import { adminKey } from "../../src/core/keys.ts";
import type { ProgressEvent } from "../../src/core/run-answers.ts";
import { onEnd } from "../host/harness.ts";
import { modelServer } from "../support/model-server.ts";
import { clientOf, done, type HandWorker, refusalOf, startFaults, startFleet } from "./harness.ts";
import { pass } from "./proxy.ts";

/** Waits until every worker has been given so many tasks. */
async function begun(workers: HandWorker[], tasks = 1): Promise<void> {
  for (const worker of workers) await expect.poll(() => worker.tasks.length, { timeout: 10_000 }).toBe(tasks);
}

/** The fleet behind a proxy that keeps each request, and passes all of them. */
async function startWatchedFleet(size = 1) {
  const fleet = await startFleet(size);
  const proxy = await startFaults();
  proxy.play(pass(fleet.url));
  const requests = () =>
    proxy.requests.map(({ method, path }) => `${method} ${path.replace("/api/orchestrator/", "")}`);
  const bodies = () => proxy.requests.filter(({ body }) => body !== "").map(({ body }) => JSON.parse(body));
  return { ...fleet, url: proxy.url, requests, bodies };
}

describe("a call that waits", () => {
  it("is one request where the wait is short, under a key of its own", async () => {
    const { url, finishAll, requests, bodies } = await startWatchedFleet();
    finishAll();
    const client = clientOf(url);
    await client.delegate({ instances: "A", payload: 1 });
    await client.delegate({ instances: "A", payload: 1, wait: "10s", idempotencyKey: "mine" });
    expect(requests()).toEqual(["POST route", "POST route"]);
    const [first, second] = bodies();
    expect(Object.keys(first).sort()).toEqual(["idempotencyKey", "instances", "payload"]);
    expect(first.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.idempotencyKey).toBe("mine");
  });

  it("returns what is pending when the wait is over", async () => {
    const { url } = await startFleet(2);
    const client = clientOf(url, { longestWaitMs: 80 });
    expect(await client.delegate({ instances: "A", payload: 1, wait: "200ms" })).toMatchObject({
      reply: "pending",
    });
    const fanout = await client.fanout({ targets: "A-B", payload: 1, wait: "200ms" });
    expect(fanout).toMatchObject({ complete: false, timedOut: true, counts: { pending: 2 } });
  });

  it("is several requests where it is longer than one may be, and one run", async () => {
    const { url, workers, requests, bodies, begun: count } = await startWatchedFleet();
    const answer = clientOf(url, { longestWaitMs: 100 }).delegate({
      instances: "A",
      payload: 1,
      wait: "10s",
    });
    await begun(workers);
    await expect.poll(() => requests().length).toBeGreaterThan(2);
    workers[0]?.tasks[0]?.finish("long");
    expect(await answer).toMatchObject({ reply: "done", result: "long" });
    expect(new Set(bodies().map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(count()).toBe(1);
  });

  it("hears how the work ended where it waits as long as the work may take", async () => {
    const { url } = await startFleet();
    const client = clientOf(url, { longestWaitMs: 100 });
    const call = { instances: "A", payload: 1, wait: "400ms", timeout: "400ms" };
    expect((await refusalOf(client.delegate(call))).code).toBe("timeout");
  });

  it("ends when enough have answered, however long it might wait, and cancels the rest only then", async () => {
    for (const wait of ["10s", "60s"]) {
      const { url, workers } = await startFleet(3);
      const client = clientOf(url, { longestWaitMs: 15_000 });
      const answer = client.fanout({ targets: "A-C", payload: 1, minReplies: 1, cancelRest: true, wait });
      await begun(workers);
      workers[1]?.tasks[0]?.finish("first");
      const { counts, timedOut, outcomes } = done(await answer);
      expect([counts, timedOut]).toEqual([{ total: 3, done: 1, failed: 0, pending: 0, cancelled: 2 }, false]);
      expect(outcomes[1]).toMatchObject({ instance: "B", result: "first" });
    }
  });

  it("does not cancel the rest at the end of one request", async () => {
    const { url, workers } = await startFleet(2);
    const client = clientOf(url, { longestWaitMs: 100 });
    const answer = client.fanout({ targets: "A-B", payload: 1, cancelRest: true, wait: "20s" });
    await begun(workers);
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const { tasks } of workers) tasks[0]?.finish("ok");
    expect(done(await answer)).toMatchObject({ complete: true, counts: { done: 2, cancelled: 0 } });
    const rest = client.fanout({ targets: "A-B", payload: 2, cancelRest: true, wait: "600ms" });
    await begun(workers, 2);
    workers[0]?.tasks[1]?.finish("ok");
    expect(done(await rest)).toMatchObject({ timedOut: true, counts: { done: 1, pending: 0, cancelled: 1 } });
  });

  it("ends when nobody new has answered for a while", async () => {
    const { url, workers } = await startFleet(2);
    const client = clientOf(url, { longestWaitMs: 100 });
    const answer = client.fanout({ targets: "A-B", payload: 1, stall: "300ms", wait: "60s" });
    await begun(workers);
    workers[0]?.tasks[0]?.finish("ok");
    expect(done(await answer)).toMatchObject({
      timedOut: false,
      complete: false,
      counts: { done: 1, pending: 1 },
    });
  });
});

describe("a call that is watched", () => {
  it("tells of each instance that has ended, and answers in its own shape", async () => {
    const { url, workers, requests } = await startWatchedFleet(3);
    const seen: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent) => {
      seen.push(event);
      throw new Error("the watcher's own trouble");
    };
    const told: string[] = [];
    const onRun = (runId: string) => {
      told.push(runId);
      throw new Error("the watcher's own trouble");
    };
    const answer = clientOf(url).fanout(
      { targets: "A-C", payload: 1, aggregate: true },
      { onProgress, onRun },
    );
    await begun(workers);
    await expect.poll(() => told.length).toBe(1);
    workers[2]?.tasks[0]?.finish(3);
    await expect.poll(() => seen.length).toBe(1);
    workers[0]?.tasks[0]?.finish(1);
    workers[1]?.tasks[0]?.fail(new Error("broken"));
    const { aggregate, counts, runId } = done(await answer);
    expect([counts.done, counts.failed, aggregate?.sources]).toEqual([2, 1, ["A", "C"]]);
    expect(told).toEqual([runId]);
    expect(seen[0]).toEqual({
      runId,
      instance: "C",
      reply: "done",
      delivery: "accepted",
      ended: 1,
      total: 3,
    });
    expect(seen.map(({ instance }) => instance).sort()).toEqual(["A", "B", "C"]);
    expect(requests()).toEqual(["POST fanout", `GET runs/${runId}/events`, "POST fanout"]);
  });

  it("tells how far an answer is that is streamed", async () => {
    const model = await modelServer();
    onEnd(() => model.close());
    const settings = { model: "reckoner" };
    const { url } = await startFleet(0, {
      engine: { fleet: { M: { url: model.url, protocol: "openai", settings } } },
    });
    const seen: ProgressEvent[] = [];
    const payload = `go slowly ${"word ".repeat(60)}`;
    const call = { instances: "M", payload };
    await clientOf(url).delegate(call, { onProgress: (event) => void seen.push(event) });
    expect(seen[0]).toMatchObject({
      instance: "M",
      reply: "pending",
      working: { chars: expect.any(Number) },
    });
    expect(seen.at(-1)).toMatchObject({ instance: "M", reply: "done", ended: 1, total: 1 });
  });

  it("tells of a delegate and a send too, also of one that fails at once", async () => {
    const { url, workers } = await startFleet();
    const client = clientOf(url);
    const seen: string[] = [];
    const onProgress = ({ instance, reply }: ProgressEvent) => void seen.push(`${instance} ${reply}`);
    const delegated = client.delegate({ instances: "A", payload: 1 }, { onProgress });
    await begun(workers);
    workers[0]?.tasks[0]?.finish("ok");
    expect(await delegated).toMatchObject({ reply: "done", result: "ok" });
    const failing = refusalOf(client.delegate({ instances: "A", payload: 2 }, { onProgress }));
    await begun(workers, 2);
    workers[0]?.tasks[1]?.fail(new Error("broken"));
    expect(await failing).toMatchObject({
      code: "instance_error",
      message: expect.stringContaining("broken"),
    });
    await client.sessionsSpawn({ sessionId: "s" });
    const sent = client.sessionsSend({ sessionId: "s", data: 3 }, { onProgress });
    await begun(workers, 3);
    workers[0]?.tasks[2]?.finish("said");
    expect(await sent).toMatchObject({ reply: "done", result: "said" });
    expect(seen).toEqual(["A done", "A failed", "A done"]);
  });

  it("returns what is pending when the wait is over", async () => {
    const { url, workers } = await startFleet(2);
    const seen: string[] = [];
    const onProgress = ({ instance }: ProgressEvent) => void seen.push(instance);
    const answer = clientOf(url).fanout({ targets: "A-B", payload: 1, wait: "500ms" }, { onProgress });
    await begun(workers);
    workers[0]?.tasks[0]?.finish(1);
    expect(await answer).toMatchObject({ complete: false, timedOut: true, counts: { done: 1, pending: 1 } });
    expect(seen).toEqual(["A"]);
  });

  it("is answered also where its token may not read the run's events", async () => {
    const { url, workers } = await startFleet(1, { keys: () => [adminKey("root")] });
    const { token } = await clientOf(url, { apiKey: "root" }).sessionsSpawn({
      sessionId: "s",
      withToken: true,
    });
    const seen: string[] = [];
    const onProgress = ({ instance }: ProgressEvent) => void seen.push(instance);
    for (const [index, client] of [clientOf(url), clientOf(url, { apiKey: "root" })].entries()) {
      const sent = client.sessionsSend({ sessionId: "s", data: index, token }, { onProgress });
      await begun(workers, index + 1);
      workers[0]?.tasks[index]?.finish("ok");
      expect(await sent).toMatchObject({ reply: "done", result: "ok" });
    }
    expect(seen).toEqual(["A"]);
  });
});

describe("a call that is cancelled", () => {
  it("is cancelled at its instances, and says what became of it", async () => {
    const { url, workers } = await startFleet(3);
    const client = clientOf(url);
    const controller = new AbortController();
    const { signal } = controller;
    const answer = client.fanout({ targets: "A-C", payload: 1, wait: "20s" }, { signal });
    await begun(workers);
    workers[0]?.tasks[0]?.finish("in time");
    await expect.poll(async () => (await client.runsList()).items[0]?.counts.done).toBe(1);
    controller.abort();
    const { counts, outcomes } = done(await answer);
    expect(counts).toEqual({ total: 3, done: 1, failed: 0, pending: 0, cancelled: 2 });
    expect(outcomes[0]).toMatchObject({ instance: "A", result: "in time" });
  });

  it("is refused with the server's own word where nothing came of it", async () => {
    const { url, workers } = await startFleet();
    const client = clientOf(url);
    await client.sessionsSpawn({ sessionId: "s" });
    for (const [index, start] of [
      (signal: AbortSignal) => client.delegate({ instances: "A", payload: 1 }, { signal }),
      (signal: AbortSignal) =>
        client.delegate({ instances: "A", payload: 1 }, { signal, onProgress: () => {} }),
      (signal: AbortSignal) => client.sessionsSend({ sessionId: "s", data: 1 }, { signal }),
    ].entries()) {
      const controller = new AbortController();
      const refusal = refusalOf(start(controller.signal));
      await begun(workers, index + 1);
      controller.abort(new Error("the caller's own reason"));
      expect(await refusal).toMatchObject({
        code: "cancelled",
        delivery: "accepted",
        runId: expect.any(String),
      });
    }
    const { items } = await client.runsList();
    expect(items.map(({ state, counts }) => [state, counts.cancelled])).toEqual([
      ["ended", 1],
      ["ended", 1],
      ["ended", 1],
    ]);
  });

  it("cancels also a fan-out that the server would have ended early", async () => {
    const { url, workers } = await startFleet(2);
    for (const longestWaitMs of [100, 60_000]) {
      const controller = new AbortController();
      const { signal } = controller;
      const client = clientOf(url, { longestWaitMs });
      const answer = client.fanout({ targets: "A-B", payload: 1, minReplies: 1, wait: "20s" }, { signal });
      await begun(workers, longestWaitMs === 100 ? 1 : 2);
      controller.abort();
      expect(done(await answer).counts).toMatchObject({ cancelled: 2, pending: 0 });
    }
  });

  it("sends nothing once it is cancelled", async () => {
    const { url, begun: count } = await startFleet();
    const { signal } = { signal: AbortSignal.abort() };
    for (const options of [{ signal }, { signal, onProgress: () => {} }]) {
      const refusal = await refusalOf(clientOf(url).delegate({ instances: "A", payload: 1 }, options));
      expect([refusal.code, refusal.delivery]).toEqual(["cancelled", "not_sent"]);
    }
    const controller = new AbortController();
    const early = refusalOf(
      clientOf(url).delegate({ instances: "A", payload: 1 }, { signal: controller.signal }),
    );
    controller.abort();
    expect([(await early).code, (await early).delivery]).toEqual(["cancelled", "not_sent"]);
    expect((await clientOf(url).runsList()).items).toEqual([]);
    expect(count()).toBe(0);
  });

  it("says so where it may not cancel", async () => {
    const { url, workers } = await startFleet(1, { keys: () => [adminKey("root")] });
    const { token } = await clientOf(url, { apiKey: "root" }).sessionsSpawn({
      sessionId: "s",
      withToken: true,
    });
    const controller = new AbortController();
    const refusal = refusalOf(
      clientOf(url).sessionsSend({ sessionId: "s", data: 1, token }, { signal: controller.signal }),
    );
    await begun(workers);
    controller.abort();
    expect(await refusal).toMatchObject({
      ...{ code: "unauthorized", delivery: "unknown", runId: expect.any(String) },
      action: expect.stringContaining("goes on"),
    });
  });

  it("is of no effect after the answer", async () => {
    const { url } = await startFleet();
    const controller = new AbortController();
    const client = clientOf(url);
    const { runId } = done(
      await client.delegate({ instances: "A", payload: 1, wait: 0 }, { signal: controller.signal }),
    );
    controller.abort();
    expect(await client.runsGet({ runId, wait: "100ms" })).toMatchObject({ state: "open" });
  });
});

import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { startServer } from "../instances/harness.ts";
import { faultServer } from "../support/fault-server.ts";
import { begin, done, hang, hangUp, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, testEngine } from "./harness.ts";

const unseen = refuse(404, { code: "run_not_found" });
const healthy = (storeId: string) => respond({ body: { status: "healthy", storeId } });
const tombstone = (storeId: string) =>
  respond({ body: { taskId: "t", reply: "cancelled", existed: false, storeId } });

async function two() {
  const [a, b] = [await startServer(), await startServer()];
  b.play(byMethod({ post: done("from B"), health: healthy("journal-b") }));
  return { a, b, ...testEngine({ fleet: { A: a.url, B: b.url } }) };
}

const posts = (server: { requests: { method: string }[] }) =>
  server.requests.filter(({ method }) => method === "POST").length;

describe("after an unknown delivery", () => {
  it("asks the same instance by the same key, and takes its answer", async () => {
    const { a, b, delegate } = await two();
    a.play(byMethod({ post: reset, get: done("it had arrived") }));
    expect(await delegate({ instances: ["A", "B"] })).toMatchObject({
      instance: "A",
      delivery: "accepted",
      result: "it had arrived",
    });
    const [sent, asked] = a.requests;
    expect(asked?.path).toContain(encodeURIComponent(sent?.headers["idempotency-key"] ?? "?"));
    expect([posts(a), b.requests.length]).toEqual([1, 0]);
  });

  it("goes on to the next candidate once a tombstone proves that nothing arrived", async () => {
    const { a, b, delegate, health } = await two();
    a.play(
      byMethod({ post: reset, get: unseen, delete: tombstone("journal-a"), health: healthy("journal-a") }),
    );
    await health(["A"]);
    const answer = await delegate({ instances: ["A", "B"] });
    expect(answer).toMatchObject({ instance: "B", result: "from B" });
    expect(answer.attempts[0]).toMatchObject({ instance: "A", delivery: "not_sent" });
    expect([posts(a), posts(b)]).toEqual([1, 1]);
  });

  it.each([
    ["goes on too where something in between had said accepted", "journal-a", "B"],
    ["does not where the journal may be another one", "journal-of-before", undefined],
  ])("%s", async (_name, storeId, instance) => {
    const { a, b, delegate, health } = await two();
    const between = respond({ body: "a gateway's own words" });
    a.play(
      byMethod({ post: between, get: unseen, delete: tombstone("journal-a"), health: healthy(storeId) }),
    );
    await health(["A"]);
    const done = delegate({ instances: ["A", "B"] });
    if (instance) expect(await done).toMatchObject({ instance, result: "from B" });
    else expect(await refusalOf(done)).toMatchObject({ code: "interrupted", delivery: "accepted" });
    expect([posts(a), posts(b)]).toEqual([1, instance ? 1 : 0]);
  });

  it("tries again at the same instance with another key: the first one is burnt", async () => {
    const { a, delegate, health } = await two();
    const keys: (string | undefined)[] = [];
    a.play(
      byMethod({
        post: (socket, request) => {
          keys.push(request.headers["idempotency-key"]);
          (keys.length === 1 ? reset : done("at last"))(socket, request);
        },
        get: unseen,
        delete: tombstone("journal-a"),
        health: healthy("journal-a"),
      }),
    );
    await health(["A"]);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ result: "at last" });
    expect(keys).toHaveLength(2);
    expect(keys[0]).not.toBe(keys[1]);
  });

  it.each([
    ["of a journal that was never seen", undefined],
    ["of another journal than the one before", "journal-old"],
  ])("asks nobody else for a tombstone %s", async (_, seen) => {
    const { a, b, delegate, health } = await two();
    if (seen) {
      a.play(byMethod({ post: hang, health: healthy(seen) }));
      await health(["A"]);
    }
    a.play(byMethod({ post: reset, get: unseen, delete: tombstone("journal-new") }));
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error).toMatchObject({ instance: "A", delivery: "unknown", retryable: false });
    expect([posts(a), b.requests.length]).toEqual([1, 0]);
  });

  it("asks nobody else when the instance cannot be asked any more", async () => {
    const b = await startServer();
    const a = await faultServer();
    a.play((socket) => {
      socket.resetAndDestroy();
      void a.close();
    });
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url } });
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error).toMatchObject({
      code: "instance_down",
      instance: "A",
      delivery: "unknown",
      retryable: false,
    });
    expect(error.message).toContain("may have the task");
    expect(b.requests).toEqual([]);
  });

  it("goes on to the next candidate if the work is idempotent", async () => {
    const { a, b, delegate } = await two();
    a.play(byMethod({ post: reset, get: unseen, delete: refuse(500, { code: "internal" }) }));
    const answer = await delegate({ instances: ["A", "B"], idempotent: true });
    expect(answer).toMatchObject({ instance: "B", result: "from B" });
    expect(answer.attempts).toMatchObject([{ delivery: "unknown" }, { delivery: "accepted" }]);
    expect([posts(a), posts(b)]).toEqual([1, 1]);
  });

  it("tells the words of the instance that got furthest when idempotent work failed everywhere", async () => {
    const { a, b, delegate } = await two();
    a.play(byMethod({ post: reset, get: unseen, delete: refuse(500, { code: "internal" }) }));
    b.play(respond({ body: { reply: "failed", error: { code: "instance_error", message: "boom" } } }));
    const error = await refusalOf(delegate({ instances: ["A", "B"], idempotent: true }));
    expect(error).toMatchObject({ instance: "B", delivery: "accepted" });
    expect(error.message).toContain("boom");
  });

  it.each([
    ["ends half way", begin('{"taskId":"t1","re', hangUp)],
    ["breaks half way", begin('{"taskId":"t1","re', reset)],
  ])("asks again for an answer that %s, and never sends again", async (_, lost) => {
    const { a, b, delegate } = await two();
    a.play(byMethod({ post: lost, get: done("whole") }));
    expect(await delegate({ instances: ["A", "B"] })).toMatchObject({ instance: "A", result: "whole" });
    expect([posts(a), b.requests.length]).toEqual([1, 0]);
  });

  it("says that accepted work was interrupted when the instance no longer knows it", async () => {
    const { a, b, delegate } = await two();
    a.play(
      byMethod({ post: respond({ status: 202, body: { taskId: "t1", reply: "pending" } }), get: unseen }),
    );
    const error = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(error).toMatchObject({ code: "interrupted", delivery: "accepted", retryable: false });
    expect([posts(a), b.requests.length]).toEqual([1, 0]);
  });
});

describe("a cancel", () => {
  it("before the call begins sends nothing, stores no attempt, and says cancelled", async () => {
    const { a, delegate, run } = await two();
    const cancellation = new Cancellation();
    cancellation.cancel();
    const error = await refusalOf(delegate({ instances: ["A", "B"] }, { cancellation }));
    expect(error).toMatchObject({ code: "cancelled", delivery: "not_sent" });
    expect(a.requests).toEqual([]);
    expect(await run(error.runId ?? "")).toMatchObject({ state: "ended", attempts: [] });
  });

  it("reaches the instance, and its word counts", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate } = testEngine({ fleet: { A: host.origin } });
    const cancellation = new Cancellation();
    const call = refusalOf(delegate({ instances: ["A"], payload: 1 }, { cancellation }));
    await expect.poll(() => worker.tasks.length).toBe(1);
    cancellation.cancel();
    expect(await call).toMatchObject({ code: "cancelled", delivery: "accepted" });
    expect(worker.tasks[0]?.cancellation.error).toBeDefined();
  });

  it("that comes too late returns the result", async () => {
    const { a, delegate } = await two();
    const cancellation = new Cancellation();
    a.play(
      byMethod({
        post: () => cancellation.cancel(),
        delete: respond({
          body: { taskId: "t", reply: "done", result: "was quicker", existed: true, storeId: "s" },
        }),
      }),
    );
    expect(await delegate({ instances: ["A", "B"] }, { cancellation })).toMatchObject({
      result: "was quicker",
    });
  });

  it("asks no further candidate", async () => {
    const { a, b, delegate, run } = await two();
    const cancellation = new Cancellation();
    a.play((socket, request) => {
      cancellation.cancel();
      refuse(400, { code: "bad_request" })(socket, request);
    });
    const error = await refusalOf(delegate({ instances: ["A", "B"], idempotent: true }, { cancellation }));
    expect(error.code).toBe("cancelled");
    expect(b.requests).toEqual([]);
    expect((await run(error.runId ?? "")).outcomes).toMatchObject([{ instance: "A", delivery: "unknown" }]);
  });
});

it("a host that dies with the work and comes back says that it was interrupted", async () => {
  const host = await startHost({ worker: handWorker({ stops: false }) });
  const { delegate } = testEngine({ fleet: { A: host.origin } });
  const call = refusalOf(delegate({ instances: ["A"], payload: 1 }));
  await expect.poll(() => host.stats().inFlight).toBe(1);
  const port = Number(new URL(host.origin).port);
  await host.close();
  await startHost({ worker: echoWorker(), store: host.store, port });
  expect(await call).toMatchObject({ code: "interrupted", delivery: "accepted" });
});

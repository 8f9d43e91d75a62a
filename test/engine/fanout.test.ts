import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { ProgressEvent } from "../../src/core/run-answers.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import type { Fault } from "../support/fault-server.ts";
import { done, flood, hang, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, testEngine } from "./harness.ts";

const dead = async () => `http://127.0.0.1:${await closedPort()}`;

/** Instances A, B, … that act so. */
async function fleetOf(...faults: Fault[]) {
  const servers = await Promise.all(faults.map(() => startServer()));
  for (const [index, server] of servers.entries()) server.play(faults[index] as Fault);
  const names = faults.map((_, index) => String.fromCharCode(65 + index));
  return {
    servers,
    fleet: Object.fromEntries(names.map((name, index) => [name, servers[index]?.url ?? ""])),
  };
}

describe("fanout", () => {
  it("accounts for every target in target order, whatever becomes of each", async () => {
    const { fleet } = await fleetOf(
      done("a"),
      byMethod({ post: hang }),
      flood(50 * 1024 * 1024),
      respond({ body: { reply: "failed", error: { code: "instance_error", message: "boom" } } }),
      refuse(400, { code: "bad_request", message: "not like this" }),
      byMethod({ post: reset, get: done("it had arrived") }),
      respond({ body: "no JSON of ours" }),
    );
    const { fanout } = testEngine({ fleet: { ...fleet, H: await dead() }, settings: { retries: 0 } });

    const answer = await fanout({ targets: ["H", "A-G"], timeout: 2, aggregate: "collect" });

    expect(
      answer.outcomes.map(({ instance, delivery, reply, error }) =>
        [instance, delivery, reply, error?.code].filter(Boolean).join(" "),
      ),
    ).toEqual([
      "H not_sent none instance_down",
      "A accepted done",
      "B unknown none timeout",
      "C accepted failed payload_too_large",
      "D accepted failed instance_error",
      "E not_sent none bad_request",
      "F accepted done",
      "G accepted none instance_error",
    ]);
    expect(answer).toMatchObject({
      complete: true,
      timedOut: true,
      counts: { total: 8, done: 2, failed: 6, pending: 0, cancelled: 0 },
      aggregate: { sources: ["A", "F"], complete: false },
    });
    expect(answer.aggregate?.missing.map(({ instance }) => instance)).toEqual(["H", "B", "C", "D", "E", "G"]);
  });

  it("asks at most so many at once", async () => {
    let inFlight = 0;
    let most = 0;
    const slow: Fault = (socket, request) => {
      most = Math.max(most, ++inFlight);
      setTimeout(() => {
        inFlight -= 1;
        done()(socket, request);
      }, 20);
    };
    const { fleet } = await fleetOf(...Array.from({ length: 12 }, () => slow));
    const { fanout } = testEngine({ fleet });
    expect(await fanout({ targets: ["*"], concurrency: 3 })).toMatchObject({ counts: { done: 12 } });
    expect(most).toBe(3);
    await fanout({ targets: ["*"] });
    expect(most).toBe(12);
  });

  it("gives an instance a payload of its own, and refuses one for who is no target", async () => {
    const workers = [echoWorker(), echoWorker()];
    const hosts = await Promise.all(workers.map((worker) => startHost({ worker })));
    const { fanout } = testEngine({ fleet: { A: hosts[0]?.origin ?? "", B: hosts[1]?.origin ?? "" } });
    const { outcomes } = await fanout({ targets: ["A", "B"], payload: "all", payloads: { B: "mine" } });
    expect(outcomes.map(({ result }) => result)).toEqual(["all", "mine"]);
    const error = await refusalOf(fanout({ targets: ["A"], payloads: { B: 1 } }));
    expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(error.message).toContain("payloads.B");
    expect(workers[0]?.runs).toEqual(["all"]);
  });

  it("stops waiting after minReplies, and adds the late answers to the run", async () => {
    const worker = handWorker();
    const slow = await startHost({ worker });
    const { fleet } = await fleetOf(done("a"), refuse(400, { code: "bad_request" }), done("c"));
    const { fanout, run } = testEngine({ fleet: { ...fleet, S: slow.origin } });
    const answer = await fanout({ targets: ["S", "A", "B", "C"], payload: 1, minReplies: 2 });
    expect(answer).toMatchObject({
      complete: false,
      timedOut: false,
      counts: { done: 2, failed: 1, pending: 1 },
    });
    await expect.poll(() => worker.tasks.length).toBe(1);
    worker.tasks[0]?.finish("late");
    expect(await run(answer.runId, 5)).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "S", reply: "done", result: "late" }, {}, {}, {}],
    });
  });

  it("ends without minReplies once nobody is left to answer", async () => {
    const no = refuse(400, { code: "bad_request" });
    const { fleet } = await fleetOf(no, done("b"), no);
    const answer = await testEngine({ fleet }).fanout({ targets: ["*"], minReplies: 2 });
    expect(answer).toMatchObject({ complete: true, timedOut: false, counts: { done: 1, failed: 2 } });
  });

  it("answers when the wait is over, says who is pending, and goes on", async () => {
    const worker = handWorker();
    const slow = await startHost({ worker });
    const { fleet } = await fleetOf(done("a"));
    const { fanout } = testEngine({ fleet: { ...fleet, S: slow.origin } });
    const answer = await fanout({ targets: ["*"], payload: 1, wait: "300ms", aggregate: "collect" });
    expect(answer).toMatchObject({
      complete: false,
      timedOut: true,
      counts: { done: 1, pending: 1 },
      aggregate: { sources: ["A"], missing: [{ instance: "S", reply: "pending" }] },
    });
  });

  it("keeps the outcomes when they cannot be made one", async () => {
    const { fleet } = await fleetOf(refuse(400, { code: "bad_request", message: "no" }));
    const { fanout } = testEngine({ fleet });
    const answer = await fanout({ targets: ["A"], aggregate: "merge" });
    expect(answer).toMatchObject({ counts: { failed: 1 }, aggregateError: { code: "aggregate_failed" } });
    expect(answer.outcomes[0]?.error?.message).toContain("no");
    expect(answer).not.toHaveProperty("aggregate");
  });

  it("does not ask who refused lately, and still accounts for it", async () => {
    const { fleet } = await fleetOf(done("a"));
    const { fanout } = testEngine({ fleet: { ...fleet, D: await dead() }, settings: { retries: 0 } });
    await fanout({ targets: ["*"] });
    const { outcomes } = await fanout({ targets: ["D", "A"] });
    expect(outcomes).toMatchObject([
      { instance: "D", delivery: "not_sent", reply: "none", error: { code: "instance_down" } },
      { instance: "A", reply: "done" },
    ]);
    expect(outcomes[0]?.error?.message).toContain("D was not asked");
  });

  it("cancels at every instance, and leaves those in the queue unsent", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { servers, fleet } = await fleetOf(hang);
    const { fanout } = testEngine({ fleet: { S: host.origin, ...fleet } });
    const cancellation = new Cancellation();
    const call = fanout({ targets: ["S", "A"], payload: 1, concurrency: 1 }, { cancellation });
    await expect.poll(() => worker.tasks.length).toBe(1);
    cancellation.cancel();
    expect((await call).outcomes).toMatchObject([
      { instance: "S", delivery: "accepted", reply: "cancelled" },
      { instance: "A", delivery: "not_sent", reply: "none", error: { code: "cancelled" } },
    ]);
    expect(servers[0]?.requests).toEqual([]);
  });

  it("tells its progress, target by target", async () => {
    const { fleet } = await fleetOf(done("a"), refuse(400, { code: "bad_request" }));
    const events: ProgressEvent[] = [];
    await testEngine({ fleet }).fanout({ targets: ["*"] }, { onProgress: (event) => events.push(event) });
    expect(events.map(({ ended, total }) => `${ended}/${total}`)).toEqual(["1/2", "2/2"]);
    expect(events.map(({ instance, reply }) => `${instance} ${reply}`).sort()).toEqual(["A done", "B none"]);
  });
});

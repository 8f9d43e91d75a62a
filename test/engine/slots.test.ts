import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { refusalOf, testEngine } from "./harness.ts";

const settled = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    () => "refused",
  );

describe("an instance with maxConcurrency", () => {
  it("is sent no more at once; the next goes out when one has ended", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate } = testEngine({ fleet: { A: { url: host.origin, maxConcurrency: 2 } } });
    const calls = [1, 2, 3].map((n) => delegate({ instances: ["A"], payload: n }));
    await expect.poll(() => worker.payloads()).toEqual([1, 2]);
    worker.tasks[1]?.finish("two");
    expect(await calls[1]).toMatchObject({ result: "two" });
    await expect.poll(() => worker.payloads()).toEqual([1, 2, 3]);
    worker.tasks[0]?.finish("one");
    worker.tasks[2]?.finish("three");
    const [one, , three] = await Promise.all(calls);
    expect([one?.result, three?.result]).toEqual(["one", "three"]);
    expect(three?.attempts).toHaveLength(1);
  });

  it("is overloaded when sixteen wait for each slot: not sent, and the next candidate does it", async () => {
    const worker = handWorker();
    const [host, spare] = [await startHost({ worker }), await startHost({ worker: echoWorker(), name: "B" })];
    const { delegate, health } = testEngine({
      fleet: { A: { url: host.origin, maxConcurrency: 1 }, B: spare.origin },
      settings: { retries: 0 },
    });
    const calls = Array.from({ length: 17 }, (_, n) => delegate({ instances: ["A"], payload: n }));
    await expect.poll(() => worker.payloads()).toEqual([0]);
    const error = await refusalOf(delegate({ instances: ["A"] }));
    expect(error).toMatchObject({ code: "overloaded", instance: "A", delivery: "not_sent", retryable: true });
    expect(await delegate({ instances: ["A", "B"], payload: "x" })).toMatchObject({
      instance: "B",
      result: "x",
    });
    expect((await health(["A"]))[0]).toMatchObject({ state: "healthy" });
    for (let task = 0; task < 17; task++) {
      await expect.poll(() => worker.tasks.length).toBe(task + 1);
      worker.tasks[task]?.finish("ok");
    }
    expect(await Promise.all(calls.map(settled))).toEqual(Array(17).fill("done"));
  });

  it("never hears of who gave up while waiting", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { delegate } = testEngine({ fleet: { A: { url: host.origin, maxConcurrency: 1 } } });
    const first = delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.payloads()).toEqual([1]);
    const cancellation = new Cancellation();
    const waiting = delegate({ instances: ["A"], payload: 2 }, { cancellation });
    const next = delegate({ instances: ["A"], payload: 3 });
    cancellation.cancel();
    expect(await refusalOf(waiting)).toMatchObject({ code: "cancelled", delivery: "not_sent" });
    worker.tasks[0]?.finish("ok");
    await first;
    await expect.poll(() => worker.payloads()).toEqual([1, 3]);
    worker.tasks[1]?.finish("ok");
    await next;
  });
});

describe("pick", () => {
  it("round-robin has each of a pool do one task in turn", async () => {
    const names = ["A", "B", "C"];
    const hosts = await Promise.all(names.map((name) => startHost({ worker: echoWorker(), name })));
    const fleet = Object.fromEntries(
      hosts.map(({ origin }, index) => [names[index], { url: origin, tags: ["pool"] }]),
    );
    const { delegate } = testEngine({ fleet });
    const done: (string | undefined)[] = [];
    for (let task = 0; task < 4; task++) {
      const answer = await delegate({ instances: ["tag:pool"], pick: "round-robin" });
      expect(answer.explanation.pick).toBe("round-robin");
      done.push(answer.instance);
    }
    expect(done.join("")).toBe("ABCA");
  });

  it("least-busy passes by who has more in flight", async () => {
    const worker = handWorker();
    const [a, b] = [await startHost({ worker }), await startHost({ worker: echoWorker(), name: "B" })];
    const { delegate } = testEngine({ fleet: { A: a.origin, B: b.origin } });
    const busy = delegate({ instances: ["A"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    expect(await delegate({ instances: ["A", "B"], payload: 2, pick: "least-busy" })).toMatchObject({
      instance: "B",
    });
    worker.tasks[0]?.finish("ok");
    await busy;
    const next = delegate({ instances: ["A", "B"], payload: 2, pick: "least-busy" });
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[1]?.finish("ok");
    expect(await next).toMatchObject({ instance: "A" });
  });

  it("with fallback none has the one whose turn it is, and nobody else, do it", async () => {
    const [a, b] = [echoWorker(), echoWorker()];
    const hosts = [await startHost({ worker: a }), await startHost({ worker: b, name: "B" })];
    const { delegate } = testEngine({ fleet: { A: hosts[0]?.origin ?? "", B: hosts[1]?.origin ?? "" } });
    for (const instance of ["A", "B"]) {
      const answer = await delegate({ instances: ["A", "B"], pick: "round-robin", fallback: "none" });
      expect(answer).toMatchObject({ instance, explanation: { order: [instance] } });
    }
  });
});

import { describe, expect, it } from "vitest";
import { echoWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import type { FaultServer } from "../support/fault-server.ts";
import { done, respond } from "../support/faults.ts";
import { byMethod, processes, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

const healthy = respond({ body: { status: "healthy", storeId: "j" } });
const failedReply = respond({
  body: { taskId: "t", reply: "failed", error: { code: "instance_error", message: "x" } },
});
/** Every task fails without a word on its delivery, though it can be asked about and looks healthy. */
const failing = byMethod({ post: respond({ status: 500 }), get: failedReply, health: healthy });
const posts = ({ requests }: FaultServer) => requests.filter(({ method }) => method === "POST").length;
const polls = ({ requests }: FaultServer) =>
  requests.filter(({ path }) => path === "/api/health/check").length;

/** An engine whose breaker of A has just opened, by five failed tasks of its only instance. */
async function opened() {
  const clock = fakeClock();
  const a = await startServer();
  a.play(failing);
  const engine = testEngine({ fleet: { A: a.url }, clock });
  for (let task = 0; task < 5; task++) await refusalOf(engine.delegate({ instances: ["A"] }));
  expect(posts(a)).toBe(5);
  return { ...engine, clock, a };
}

describe("the breaker of an instance", () => {
  it("counts every attempt, also with a single target: after five failures nothing is sent there", async () => {
    const { delegate, a, clock } = await opened();
    const error = await refusalOf(delegate({ instances: ["A"] }));
    expect(error).toMatchObject({
      code: "instance_down",
      instance: "A",
      delivery: "not_sent",
      retryable: true,
    });
    const until = new Date(clock.now() + 5_000).toISOString();
    expect(error.message).toContain(`A is held off by its breaker until ${until}: `);
    expect(posts(a)).toBe(5);
  });

  it("is closed by a health check when its time is over, and by none before", async () => {
    const { delegate, health, a, clock } = await opened();
    const [held] = await health(["A"]);
    expect(held).toMatchObject({ state: "healthy", breaker: { state: "open" } });
    await clock.advance(4_999);
    await refusalOf(delegate({ instances: ["A"] }));
    const before = polls(a);
    a.play(byMethod({ post: done("again"), health: healthy }));
    await clock.advance(1);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ result: "again" });
    expect(polls(a)).toBe(before + 1);
    expect((await health(["A"]))[0]).not.toHaveProperty("breaker");
  });

  it("stays open longer each time the check finds the instance down", async () => {
    const clock = fakeClock();
    const { delegate, health } = testEngine({
      fleet: { A: `http://127.0.0.1:${await closedPort()}` },
      clock,
      settings: { retries: 0 },
    });
    for (let task = 0; task < 5; task++) {
      const error = await refusalOf(delegate({ instances: ["A"] }));
      expect(error.details?.attempts).toHaveLength(1);
      await clock.advance(5_001);
    }
    for (const openMs of [10_000, 20_000]) {
      const checked = await refusalOf(delegate({ instances: ["A"] }));
      expect(checked.details).not.toHaveProperty("attempts");
      const until = new Date(clock.now() + openMs).toISOString();
      expect(checked.message).toContain(
        `A is down: connection refused (held off by its breaker until ${until})`,
      );
      // Long after the last refusal, and still before its time.
      await clock.advance(openMs - 1);
      const held = await refusalOf(delegate({ instances: ["A"] }));
      expect(held.details).not.toHaveProperty("attempts");
      await clock.advance(1);
    }
    expect((await health())[0]).toMatchObject({ state: "down", breaker: { state: "open" } });
  });

  it("sends the next task elsewhere, and a fan-out says who was held off", async () => {
    const clock = fakeClock();
    const [a, b] = [await startServer(), await startServer()];
    a.play(failing);
    b.play(done("from B"));
    const { delegate, fanout } = testEngine({ fleet: { A: a.url, B: b.url }, clock });
    for (let task = 0; task < 5; task++) await refusalOf(delegate({ instances: ["A"] }));
    const answer = await delegate({ instances: ["A", "B"] });
    expect(answer).toMatchObject({ instance: "B", explanation: { order: ["B"] } });
    expect(answer.explanation.excluded).toMatchObject([
      { instance: "A", reason: expect.stringContaining("held off by its breaker") },
    ]);
    const { outcomes } = await fanout({ targets: ["A", "B"] });
    expect(outcomes).toMatchObject([
      { instance: "A", delivery: "not_sent", error: { code: "instance_down" } },
      { instance: "B", reply: "done" },
    ]);
    expect(outcomes[0]?.error?.message).toContain("held off by its breaker until");
    expect(posts(a)).toBe(5);
  });

  it("takes a task's own failure, a refusal and a cancel for no failure of the instance", async () => {
    const a = await startServer();
    const { delegate } = testEngine({ fleet: { A: a.url }, settings: { retries: 0 } });
    for (const harmless of [failedReply, respond({ status: 400 }), respond({ status: 429 })]) {
      a.play(harmless);
      for (let task = 0; task < 5; task++) await refusalOf(delegate({ instances: ["A"] }));
    }
    a.play(() => {});
    for (let task = 0; task < 5; task++) {
      await refusalOf(
        delegate({ instances: ["A"], timeout: "20ms" }).catch((error) => Promise.reject(error)),
      );
      if (task === 0) a.play(byMethod({ post: () => {}, delete: respond({ body: { existed: false } }) }));
    }
    a.play(done());
    expect(await delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });
  }, 20_000);

  it("is shared by the processes of a machine, one of which checks", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(failing);
    const file = await stateFile();
    const fleet = { A: a.url };
    const engineOf = async (self: string) =>
      testEngine({ fleet, clock, store: await sqliteAt(file), processes: processes(self) });
    const [one, two] = [await engineOf("one"), await engineOf("two")];
    for (let task = 0; task < 5; task++) await refusalOf(one.delegate({ instances: ["A"] }));
    await expect
      .poll(async () => {
        await clock.advance(1_001);
        return (await refusalOf(two.delegate({ instances: ["A"] }))).message;
      })
      .toContain("held off by its breaker until");
    expect(posts(a)).toBe(5);

    let answerPoll = () => {};
    const held = byMethod({
      post: done("well"),
      health: (socket, request) => {
        answerPoll = () => healthy(socket, request);
      },
    });
    a.play(held);
    await clock.advance(5_000);
    const said = ({ delegate }: typeof one) =>
      delegate({ instances: ["A"] }).then(
        ({ result }) => String(result),
        ({ message }: Error) => message,
      );
    const both = Promise.race([said(one), said(two)]);
    expect(await both).toContain("held off by its breaker, whose check is under way");
    await expect.poll(() => polls(a)).toBe(1);
    answerPoll();
    for (const engine of [one, two]) {
      await expect
        .poll(async () => {
          await clock.advance(1_001);
          return said(engine);
        })
        .toBe("well");
    }
    expect(polls(a)).toBe(1);
  });

  it("is closed by any poll that comes when its time is over", async () => {
    const { health, clock } = await opened();
    await clock.advance(5_000);
    expect((await health(["A"]))[0]).not.toHaveProperty("breaker");
  });

  it("holds off a session's messages too, also when another process has opened it", async () => {
    const clock = fakeClock();
    const host = await startHost({ worker: echoWorker() });
    const { spawn, send, history, store, configured } = testEngine({ fleet: { A: host.origin }, clock });
    await spawn({ sessionId: "s" });
    const until = clock.now() + 60_000;
    const open = { state: "open", since: clock.now(), until, trips: 4, reason: "reset" };
    await store.put("breakers", JSON.stringify({ [`A@${configured[0]?.origin}`]: open }));
    await clock.advance(1_001);
    const error = await refusalOf(send({ sessionId: "s", data: 1 }));
    expect(error).toMatchObject({ code: "instance_down", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("held off by its breaker");
    expect((await history({ sessionId: "s" })).transcript).toEqual([]);
    await clock.advance(60_000);
    expect(await send({ sessionId: "s", data: 2 })).toMatchObject({ result: 2 });
  });

  it("is passed once where more than half of the fleet looks down, and closes if that goes well", async () => {
    const clock = fakeClock();
    const host = await startHost({ worker: echoWorker() });
    const gone = `http://127.0.0.1:${await closedPort()}`;
    const { delegate, fanout, health, store, configured } = testEngine({
      fleet: { A: host.origin, B: gone, C: gone },
      clock,
    });
    const open = {
      state: "open",
      since: clock.now(),
      until: clock.now() + 60_000,
      trips: 4,
      reason: "reset",
    };
    const all = Object.fromEntries(configured.map(({ name, origin }) => [`${name}@${origin}`, open]));
    await store.put("breakers", JSON.stringify(all));
    await clock.advance(10_000);
    const answer = await delegate({ instances: ["B", "A"], payload: 1 });
    expect(answer).toMatchObject({ instance: "A", result: 1 });
    expect(answer.attempts.map(({ instance }) => instance)).toEqual(["B", "A"]);
    expect(answer.explanation.notes?.[0]).toContain("More than half of the fleet looks down");
    expect((await health(["A"]))[0]).not.toHaveProperty("breaker");
    expect((await fanout({ targets: ["A"], payload: 2 })).counts.done).toBe(1);
  });

  it("may be checked by another process when the one that checks dies", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(byMethod({ post: done("well"), health: healthy }));
    const { delegate, store, configured } = testEngine({ fleet: { A: a.url }, clock });
    const id = `A@${configured[0]?.origin}`;
    const since = clock.now();
    const claim = {
      state: "half-open",
      since,
      until: since + 10_000,
      trips: 1,
      reason: "reset",
      probeBy: "dead",
    };
    await store.put("breakers", JSON.stringify({ [id]: claim }));
    expect((await refusalOf(delegate({ instances: ["A"] }))).message).toContain("check is under way");
    await clock.advance(10_000);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ result: "well" });
    await expect.poll(async () => (await store.get("breakers"))?.value).toBe("{}");
  });
});

import { describe, expect, it } from "vitest";
import type { Member, Members } from "../../src/core/ports.ts";
import { echoWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { done, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, testEngine } from "./harness.ts";

const healthy = respond({ body: { status: "healthy", inFlight: 3, storeId: "j" } });
const unhelpful = byMethod({ post: reset, get: reset, delete: reset, health: healthy });
const polls = (server: { requests: { path: string }[] }) =>
  server.requests.filter(({ path }) => path === "/api/health/check").length;

describe("health", () => {
  it("checks each instance now, and says since when, why and how fast", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { health } = testEngine({
      fleet: { A: { url: host.origin, tags: ["search"] }, D: `http://127.0.0.1:${await closedPort()}` },
    });
    const [a, d] = await health();
    expect(a).toMatchObject({
      instance: "A",
      state: "healthy",
      inFlight: 0,
      tags: ["search"],
      source: "config",
    });
    expect(a?.latencyMs).toBeGreaterThan(0);
    expect(Date.parse(a?.since ?? "")).toBeGreaterThan(Date.now() - 10_000);
    expect(d).toMatchObject({ instance: "D", state: "down", reason: "connection refused" });
  });

  it("reports an unknown name instead of failing", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { health } = testEngine({ fleet: { A: host.origin } });
    expect(await health(["Z", "A"])).toMatchObject([
      { instance: "A", state: "healthy" },
      { instance: "Z", state: "unknown" },
    ]);
  });

  it("sees a drain, and a recovery", async () => {
    const clock = fakeClock();
    const a = await startServer();
    const { health, delegate } = testEngine({ fleet: { A: a.url }, clock });
    a.play(respond({ status: 503, body: { status: "draining" } }));
    const [draining] = await health();
    expect(draining).toMatchObject({ state: "draining" });
    expect(await refusalOf(delegate({ instances: ["A"] }))).toMatchObject({
      code: "draining",
      delivery: "not_sent",
    });
    a.play(byMethod({ post: done(), health: healthy }));
    await clock.advance(1_000);
    const [well] = await health();
    expect(well?.state).toBe("healthy");
    expect(Date.parse(well?.since ?? "") - Date.parse(draining?.since ?? "")).toBe(1_000);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });
  });

  it("learns from real calls: trouble degrades, three in a row are an outage, an answer heals", async () => {
    const a = await startServer();
    a.play(unhelpful);
    const { delegate, deps } = testEngine({ fleet: { A: a.url }, settings: { healthIntervalMs: 60_000 } });
    const states: unknown[] = [];
    const seen = testEngine({ fleet: { A: a.url }, clients: deps.clients });
    await refusalOf(seen.delegate({ instances: ["A"] }));
    for (const line of seen.logger.lines) if (line.message === "health changed") states.push(line.facts.to);
    expect(states).toEqual(["degraded", "down"]);
    a.play(done());
    expect(await delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });
  });

  it("holds neither a refusal of the task, nor a failed reply, nor a cancel against the instance", async () => {
    const a = await startServer();
    const { delegate, logger } = testEngine({ fleet: { A: a.url }, settings: { retries: 0 } });
    const refusals = [
      refuse(400, { code: "bad_request" }),
      refuse(429, { code: "rate_limited", delivery: "not_sent" }),
      respond({ body: { reply: "failed", error: { code: "instance_error", message: "boom" } } }),
    ];
    for (const refusal of refusals) {
      a.play(refusal);
      await refusalOf(delegate({ instances: ["A"] }));
    }
    a.play(() => {});
    await refusalOf(delegate({ instances: ["A"], timeout: "50ms" }));
    const sick = logger.lines.filter(({ facts }) => facts.to === "degraded" || facts.to === "down");
    expect(sick).toEqual([]);
  }, 20_000);
});

describe("the poll", () => {
  it("asks each every interval, give or take a tenth, and the sick six times as often", async () => {
    const clock = fakeClock();
    const [a, b] = [await startServer(), await startServer()];
    a.play(healthy);
    b.play(respond({ status: 503, body: { status: "down" } }));
    const { engine } = testEngine({ fleet: { A: a.url, B: b.url }, clock, random: () => 1 });
    engine.start();
    await expect.poll(() => [polls(a), polls(b)]).toEqual([1, 1]);
    for (let round = 2; round <= 7; round++) {
      await expect.poll(() => clock.due.map(Math.round)).toContain(11_000);
      await clock.advance(11_000);
      await expect.poll(() => polls(b)).toBe(round);
    }
    await expect.poll(() => polls(a)).toBe(2);
    expect(clock.timers).toBeLessThanOrEqual(5);
  });

  it("ends with the engine", async () => {
    const a = await startServer();
    a.play(healthy);
    const { engine } = testEngine({ fleet: { A: a.url }, settings: { healthIntervalMs: 100 } });
    engine.start();
    await expect.poll(() => polls(a)).toBeGreaterThan(2);
    await engine.close();
    const asked = polls(a);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(polls(a)).toBe(asked);
  });

  it("survives a configuration that cannot be read, and goes on when it can", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(healthy);
    const { deps } = testEngine({ fleet: { A: a.url }, clock });
    let broken = true;
    const orBroken = <T>(value: () => T) => {
      if (broken) throw new Error("the configuration is wrong");
      return value();
    };
    const { engine, logger } = testEngine({ clock });
    await engine.close();
    const { createEngine } = await import("../../src/engine/engine.ts");
    const resilient = createEngine({
      ...deps,
      logger,
      configured: () => orBroken(deps.configured),
      settings: () => orBroken(deps.settings),
    });
    resilient.start();
    await expect
      .poll(() => logger.lines.map(({ message }) => message))
      .toContain("the fleet could not be polled");
    // The next poll, the next look for what other processes left open, and the next sweep of old runs.
    await expect.poll(() => clock.timers).toBe(3);
    expect(polls(a)).toBe(0);
    broken = false;
    await clock.advance(10_000);
    await expect.poll(() => polls(a)).toBe(1);
    await expect.poll(() => clock.timers).toBe(3);
    resilient.start();
    const closing = resilient.close();
    await clock.advance(1);
    await closing;
  });
});

describe("the fleet", () => {
  function cluster(...members: Partial<Member>[]) {
    const state = { members, calls: 0, broken: false };
    const list: Members["list"] = async () => {
      state.calls += 1;
      if (state.broken) throw new Error("nobody there");
      return state.members.map((member) => ({ kind: "instance", name: "A", since: 0, until: 0, ...member }));
    };
    return { state, members: { list } };
  }

  it("is what is configured plus what the cluster lists, and configured names win", async () => {
    const host = await startHost({ worker: echoWorker() });
    const { members } = cluster(
      { name: "A", url: "http://127.0.0.1:1" },
      { name: "B", url: host.origin, tags: ["t"] },
      { name: "evil", url: "http://169.254.169.254" },
      { name: "no-url" },
    );
    const { health } = testEngine({ fleet: { A: host.origin }, members });
    expect(await health()).toMatchObject([
      { instance: "A", state: "healthy", source: "config" },
      { instance: "B", state: "healthy", source: "cluster", tags: ["t"] },
    ]);
  });

  it("asks the cluster afresh before it calls a name unknown, once a second at most", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(done());
    const { state, members } = cluster();
    const { delegate } = testEngine({ members, clock });
    await refusalOf(delegate({ instances: ["A"] }));
    expect(state.calls).toBe(1);
    await refusalOf(delegate({ instances: ["A"] }));
    expect(state.calls).toBe(1);
    state.members = [{ name: "A", url: a.url }];
    await clock.advance(1_001);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ instance: "A" });
    expect(state.calls).toBe(2);
  });

  it("stays in use when the cluster goes away, and a cluster that is not there holds nobody up", async () => {
    const clock = fakeClock();
    const a = await startServer();
    a.play(done());
    const { state, members } = cluster({ name: "A", url: a.url });
    const { delegate } = testEngine({ members, clock });
    await delegate({ instances: ["A"] });
    state.broken = true;
    await clock.advance(3_600_000);
    expect(await delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });

    const silent: Members = { list: () => new Promise(() => {}) };
    let asked = 0;
    const absent: Members = {
      list: () => (asked++ === 0 ? Promise.reject(new Error("refused")) : silent.list("instance")),
    };
    const configured = testEngine({ fleet: { A: a.url }, members: absent, clock });
    expect(await configured.delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });
    expect(await configured.delegate({ instances: ["A"] })).toMatchObject({ reply: "done" });
    expect(asked).toBe(2);
  });

  it("knows a host that came back under another address by its new origin", async () => {
    const { state, members } = cluster({ name: "A", url: `http://127.0.0.1:${await closedPort()}` });
    const clock = fakeClock();
    const { delegate } = testEngine({ members, clock, settings: { retries: 0 } });
    expect(await refusalOf(delegate({ instances: ["A"] }))).toMatchObject({ code: "instance_down" });
    const host = await startHost({ worker: echoWorker() });
    state.members = [{ name: "A", url: host.origin }];
    await clock.advance(5_001);
    const replies = () =>
      delegate({ instances: ["A"], payload: "here" }).then(({ result }) => result, String);
    await expect.poll(replies).toBe("here");
  });
});

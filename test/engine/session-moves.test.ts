import { describe, expect, it } from "vitest";
import type { Json } from "../../src/core/json.ts";
import type { Session } from "../../src/core/session.ts";
import { SessionRecords } from "../../src/engine/session-records.ts";
import type { Worker } from "../../src/host/worker.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { caller, handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { closedPort } from "../instances/harness.ts";
import { processes, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";
import { killableHost } from "./killable-host.ts";

/** The machine may be busy with other things. */
const PATIENT = { timeout: 10_000 };

/** Answers with its payload, and notes what it is given and with what history. */
function notingWorker() {
  const seen: { payload: Json; history: Json }[] = [];
  const worker: Worker = {
    description: { does: "Notes.", payload: "anything", example: 1 },
    run: async ({ payload, session }) => {
      seen.push({ payload, history: (session?.history ?? []) as unknown as Json });
      return { result: payload };
    },
    close: async () => {},
  };
  return { worker, seen, payloads: () => seen.map(({ payload }) => payload) };
}

async function deadOrigin() {
  return `http://127.0.0.1:${await closedPort()}`;
}

async function storedSession(store: { get(key: string): Promise<{ value: string } | undefined> }) {
  return JSON.parse((await store.get("session/s"))?.value ?? "{}") as Session;
}

describe("a session whose owner was killed", () => {
  it("moves with its history in the same send, where it may migrate", async () => {
    const a = await killableHost();
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { spawn, send, history, sessions, run, store } = testEngine({
      fleet: { A: a.origin, B: host.origin },
    });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    await a.kill();
    const answer = await send({ sessionId: "s", data: "two" });
    expect(answer).toMatchObject({
      instance: "B",
      seq: 2,
      delivery: "accepted",
      reply: "done",
      result: "two",
    });
    expect(answer.warnings?.join()).toContain("Session s moved from A to B (A: connection refused");
    expect(b.seen).toEqual([{ payload: "two", history: [{ data: "one", result: ["one"] }] }]);
    expect(await a.ledger()).toEqual(["one"]);
    expect(await storedSession(store)).toMatchObject({
      instance: "B",
      origin: host.origin,
      epoch: 2,
      seq: 2,
    });
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([
      { seq: 1, instance: "A", data: "one" },
      { kind: "moved", from: "A", to: "B", epoch: 2, history: { given: 1, unanswered: 0, tooOld: 0 } },
      { seq: 2, instance: "B", data: "two" },
    ]);
    expect((await sessions()).items).toMatchObject([
      { instance: "B", messages: 2, onInstanceDown: "migrate" },
    ]);
    expect(await run(answer.runId)).toMatchObject({
      explanation: { order: ["A", "B"], excluded: [{ instance: "A" }] },
      outcomes: [
        { instance: "A", delivery: "not_sent", error: { code: "instance_down" } },
        { instance: "B", delivery: "accepted", reply: "done" },
      ],
    });
  }, 30_000);

  it("says so and keeps its transcript, where nothing else was asked for", async () => {
    const a = await killableHost();
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { spawn, send, history } = testEngine({
      fleet: { A: a.origin, B: host.origin },
      settings: { retries: 1 },
    });
    await spawn({ sessionId: "s", instance: "A" });
    await send({ sessionId: "s", data: "one" });
    await a.kill();
    const error = await refusalOf(send({ sessionId: "s", data: "two" }));
    expect(error).toMatchObject({
      code: "instance_down",
      instance: "A",
      delivery: "not_sent",
      retryable: true,
    });
    expect(error.message).toContain("Session s is owned by A, which is down: A: connection refused");
    expect(error.action).toContain("the transcript is kept");
    expect(await history({ sessionId: "s" })).toMatchObject({
      instance: "A",
      messages: 1,
      transcript: [{ data: "one", reply: "done" }],
    });
    expect(await host.store.list("session/")).toEqual([]);
    await a.startAgain();
    expect(await send({ sessionId: "s", data: "three" })).toMatchObject({ seq: 2, result: ["one", "three"] });
    expect(await a.ledger()).toEqual(["one", "three"]);
  }, 30_000);

  it("stays with its new owner when the old one returns, and each refuses the other's epoch", async () => {
    const a = await killableHost();
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { spawn, send, store } = testEngine({ fleet: { A: a.origin, B: host.origin } });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    const before = await storedSession(store);
    await a.kill();
    await send({ sessionId: "s", data: "two" });
    await a.startAgain();
    expect(await send({ sessionId: "s", data: "three" })).toMatchObject({ instance: "B", seq: 3 });
    const after = await storedSession(store);
    const say = (origin: string, remoteId: string, epoch: number) =>
      caller(origin)("POST", `/api/sessions/${remoteId}/messages`, { data: "stray", seq: 9, epoch });
    for (const { status, body } of [
      await say(a.origin, before.remoteId, after.epoch),
      await say(host.origin, after.remoteId, before.epoch),
    ]) {
      expect([status, body.error]).toMatchObject([409, { code: "conflict", delivery: "not_sent" }]);
    }
    expect([...(await a.ledger()), ...b.payloads()]).toEqual(["one", "two", "three"]);
  }, 30_000);

  it("moves on for the next message alone when the last one's delivery is unknown", async () => {
    const a = await killableHost();
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { spawn, send, history } = testEngine({ fleet: { A: a.origin, B: host.origin } });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    const lost = refusalOf(send({ sessionId: "s", data: "hang" }));
    await expect.poll(a.ledger, PATIENT).toContain("hang");
    await a.kill();
    expect(await lost).toMatchObject({ code: "instance_down", delivery: "unknown", retryable: false });
    expect(await send({ sessionId: "s", data: "next" })).toMatchObject({ instance: "B", seq: 3 });
    expect(b.seen).toEqual([{ payload: "next", history: [{ data: "one", result: ["one"] }] }]);
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([
      { data: "one", reply: "done" },
      { data: "hang", instance: "A", delivery: "unknown", reply: "none" },
      { kind: "moved", history: { given: 1, unanswered: 1 } },
      { data: "next", instance: "B" },
    ]);
    expect(await a.ledger()).toEqual(["one", "hang"]);
  }, 30_000);

  it("loses and doubles nothing of fifty sends from two engines on one file", async () => {
    const a = await killableHost();
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const file = await stateFile();
    const fleet = { A: a.origin, B: host.origin };
    const one = testEngine({ fleet, store: await sqliteAt(file), processes: processes("one") });
    const two = testEngine({ fleet, store: await sqliteAt(file), processes: processes("two") });
    await one.spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    const fifty = Array.from({ length: 50 }, (_, index) => String(index));
    const sends = fifty.map((data, index) =>
      (index % 2 ? one : two).send({ sessionId: "s", data, timeout: "60s" }),
    );
    const settled = Promise.allSettled(sends);
    await expect.poll(async () => (await a.ledger()).length, { ...PATIENT, interval: 5 }).toBeGreaterThan(5);
    await a.kill();
    const results = await settled;
    const [atA, atB] = [await a.ledger(), b.payloads()];
    const { transcript } = await two.history({ sessionId: "s", limit: 1000 });
    const moves = transcript.filter((entry) => "kind" in entry);
    const messages = transcript.flatMap((entry) => ("kind" in entry ? [] : entry));
    expect(moves).toHaveLength(1);
    expect(new Set([...atA, ...atB]).size).toBe(atA.length + atB.length);
    expect(messages.filter(({ reply }) => reply === "done").map(({ data }) => data)).toEqual(
      [...atA, ...atB].filter((data) => results[Number(data)]?.status === "fulfilled"),
    );
    // The kill can have cut off the one message that was at A; that one is marked, and is in nobody else's hands.
    const failed = fifty.filter((data) => results[Number(data)]?.status === "rejected");
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const data of failed) {
      expect(atB).not.toContain(data);
      expect(messages).toContainEqual(expect.objectContaining({ data, delivery: "unknown", reply: "none" }));
    }
    expect(messages.map(({ seq }) => seq)).toEqual(fifty.map((n) => Number(n) + 1));
  }, 60_000);
});

describe("a reply of an old epoch", () => {
  it("is returned to its sender and never added to the transcript", async () => {
    const worker = handWorker();
    const owner = await startHost({ worker });
    const b = handWorker();
    const host = await startHost({ name: "B", worker: b });
    const file = await stateFile();
    const slow = testEngine({
      fleet: { A: owner.origin },
      store: await sqliteAt(file),
      processes: processes("one"),
    });
    // It takes the first for dead, and knows nothing of A.
    const other = testEngine({
      fleet: { B: host.origin },
      store: await sqliteAt(file),
      processes: processes("two", ["one"]),
    });
    await slow.spawn({ sessionId: "s", onInstanceDown: "migrate" });
    const late = slow.send({ sessionId: "s", data: "slow" });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const next = other.send({ sessionId: "s", data: "next" });
    await expect.poll(() => b.tasks.length, PATIENT).toBe(1);
    worker.tasks[0]?.finish("too late");
    expect(await late).toMatchObject({ instance: "A", result: "too late" });
    expect((await storedSession(other.store)).turn).toMatchObject({ processId: "two", seq: 2 });
    b.tasks[0]?.finish("done");
    expect(await next).toMatchObject({ instance: "B", seq: 2 });
    expect((await other.history({ sessionId: "s" })).transcript).toMatchObject([
      { seq: 1, data: "slow", delivery: "unknown", reply: "none", error: { code: "interrupted" } },
      { kind: "moved", from: "A", to: "B", reason: expect.stringContaining("not in the fleet") },
      { seq: 2, data: "next", reply: "done" },
    ]);
    expect(await storedSession(other.store)).toMatchObject({ instance: "B", epoch: 2, seq: 2 });
    expect(b.payloads()).toEqual(["next"]);
  });
});

it("A message that waited while its session moved goes to the new owner alone", async () => {
  const worker = handWorker();
  const owner = await startHost({ worker });
  const b = notingWorker();
  const host = await startHost({ name: "B", worker: b.worker });
  const fleet = { A: owner.origin, B: host.origin };
  const { spawn, send, run, store } = testEngine({ fleet });
  await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
  const first = send({ sessionId: "s", data: "first" });
  await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
  const waiting = await send({ sessionId: "s", data: "second", wait: 0 });
  const records = new SessionRecords(store);
  const opened = await host.open({ epoch: 2 });
  await records.update("s", (now) => ({
    ...now,
    instance: "B",
    origin: host.origin,
    remoteId: opened,
    epoch: 2,
  }));
  worker.tasks[0]?.finish("done");
  await first;
  expect(await run(waiting.runId, 10)).toMatchObject({
    explanation: { order: ["B"] },
    outcomes: [
      { instance: "A", delivery: "not_sent", error: { code: "conflict" } },
      { instance: "B", delivery: "accepted", reply: "done", result: "second" },
    ],
  });
  expect([worker.payloads(), b.payloads()]).toEqual([["first"], ["second"]]);
});

describe("a host that forgot its session", () => {
  async function forgetful(onInstanceDown: "fail" | "migrate", fleet: Record<string, string>) {
    const store = createMemoryStore({ clock: systemClock });
    const a = notingWorker();
    const host = await startHost({ worker: a.worker, store });
    const engine = testEngine({ fleet: { A: host.origin, ...fleet } });
    await engine.spawn({ sessionId: "s", instance: "A", onInstanceDown });
    await engine.send({ sessionId: "s", data: "one" });
    for (const { key } of await store.list("session/")) await store.delete(key);
    return { ...engine, a };
  }

  it("counts as down", async () => {
    const { send, history } = await forgetful("fail", {});
    const error = await refusalOf(send({ sessionId: "s", data: "two" }));
    expect(error).toMatchObject({ code: "instance_down", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("A no longer knows the session");
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([{ data: "one" }]);
  });

  it("makes way for another instance", async () => {
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { send, a } = await forgetful("migrate", { B: host.origin });
    expect(await send({ sessionId: "s", data: "two" })).toMatchObject({ instance: "B", seq: 2 });
    expect([a.payloads(), b.payloads()]).toEqual([["one"], ["two"]]);
  });

  it("is given the session again where there is no other", async () => {
    const { send, a, run } = await forgetful("migrate", {});
    const answer = await send({ sessionId: "s", data: "two" });
    expect(answer).toMatchObject({ instance: "A", seq: 2, result: "two" });
    expect(a.seen.at(-1)).toEqual({ payload: "two", history: [{ data: "one", result: "one" }] });
    const { outcomes } = await run(answer.runId);
    expect(outcomes).toEqual([expect.objectContaining({ instance: "A", reply: "done" })]);
    expect(outcomes[0]?.error).toBeUndefined();
  });
});

describe("a session that is to move", () => {
  it("goes only where its selector allows", async () => {
    const [owner, b, c] = [
      await startHost({ worker: notingWorker().worker }),
      notingWorker(),
      notingWorker(),
    ];
    const hosts = [b, c].map(({ worker }, index) => startHost({ name: "BC"[index] as string, worker }));
    const [hostB, hostC] = await Promise.all(hosts);
    const { spawn, send, health } = testEngine({
      fleet: {
        A: { url: owner.origin, tags: ["search"] },
        B: hostB?.origin ?? "",
        C: { url: hostC?.origin ?? "", tags: ["search"] },
      },
    });
    await spawn({ sessionId: "s", instance: "tag:search", onInstanceDown: "migrate" });
    await owner.close();
    await health(["A"]);
    expect(await send({ sessionId: "s", data: 1 })).toMatchObject({ instance: "C" });
    await hostC?.close();
    await health(["C"]);
    const error = await refusalOf(send({ sessionId: "s", data: 2 }));
    expect(error).toMatchObject({ code: "instance_down", delivery: "not_sent" });
    expect(error.message).toContain("It could not be moved");
    expect(b.payloads()).toEqual([]);
  });

  it("fails and says so where a protocol cannot take its history, and stays as it is", async () => {
    const owner = await startHost({ worker: notingWorker().worker });
    const { spawn, send, configured, health, history, store } = testEngine({
      fleet: { A: owner.origin, D: await deadOrigin() },
    });
    const d = configured.find(({ name }) => name === "D");
    if (d) d.protocol = "a2a";
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await send({ sessionId: "s", data: "one" });
    await owner.close();
    await health(["A"]);
    const error = await refusalOf(send({ sessionId: "s", data: "two" }));
    expect(error).toMatchObject({ code: "instance_down", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("D (protocol a2a) cannot take a session's history");
    expect(await storedSession(store)).toMatchObject({ instance: "A", epoch: 1, seq: 1 });
    expect((await storedSession(store)).turn).toBeUndefined();
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([{ data: "one" }]);
  });

  it("takes the newest messages within 256 KiB, and says what was left out", async () => {
    const owner = await startHost({ worker: notingWorker().worker });
    const b = notingWorker();
    const host = await startHost({ name: "B", worker: b.worker });
    const { spawn, send, health, history } = testEngine({ fleet: { A: owner.origin, B: host.origin } });
    await spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    const long = "x".repeat(30 * 1024);
    for (let n = 1; n <= 6; n++) await send({ sessionId: "s", data: `${n}${long}` });
    await owner.close();
    await health(["A"]);
    await send({ sessionId: "s", data: "last" });
    const given = (b.seen[0]?.history ?? []) as { data: string }[];
    expect(given.map(({ data }) => data[0])).toEqual(["3", "4", "5", "6"]);
    const move = (await history({ sessionId: "s" })).transcript.find((entry) => "kind" in entry);
    expect(move).toMatchObject({ history: { given: 4, unanswered: 0, tooOld: 2 } });
  });

  it("is not moved when it was closed meanwhile, and leaves nothing open elsewhere", async () => {
    const owner = await startHost({ worker: notingWorker().worker });
    const host = await startHost({ name: "B", worker: notingWorker().worker });
    const memory = createMemoryStore({ clock: systemClock });
    const engine = testEngine({ fleet: { A: owner.origin, B: host.origin }, store: memory });
    await engine.spawn({ sessionId: "s", instance: "A", onInstanceDown: "migrate" });
    await owner.close();
    await engine.health(["A"]);
    const stop = host.store.watch("session/", ({ value }) => {
      if (value) void engine.closeSession({ sessionId: "s" });
    });
    const put = memory.put;
    memory.put = async (key, value, options) => {
      // The move waits until the session is closed.
      if (key === "session/s" && (JSON.parse(value) as Session).epoch === 2)
        await expect.poll(async () => (await storedSession(memory)).closedAt, PATIENT).toBeDefined();
      return put(key, value, options);
    };
    const error = await refusalOf(engine.send({ sessionId: "s", data: 1 }));
    stop();
    expect(error).toMatchObject({ code: "session_not_found" });
    await expect.poll(() => host.store.list("session/"), PATIENT).toEqual([]);
  });
});

it("A session whose owner has a name like a range and is gone is refused as any other", async () => {
  const owner = await startHost({ name: "A-C", worker: notingWorker().worker });
  const file = await stateFile();
  const first = testEngine({ fleet: { "A-C": owner.origin }, store: await sqliteAt(file) });
  await first.spawn({ sessionId: "s" });
  const elsewhere = testEngine({ fleet: { D: owner.origin }, store: await sqliteAt(file) });
  expect(await refusalOf(elsewhere.send({ sessionId: "s", data: 1 }))).toMatchObject({
    code: "instance_down",
    instance: "A-C",
    delivery: "not_sent",
  });
  expect(await elsewhere.closeSession({ sessionId: "s" })).toMatchObject({ state: "closed" });
});

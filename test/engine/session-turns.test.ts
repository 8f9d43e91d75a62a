import { spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemProcesses } from "../../src/app/processes.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Store } from "../../src/core/ports.ts";
import type { Run } from "../../src/core/run.ts";
import { SessionRecords } from "../../src/engine/session-records.ts";
import { endRecoveredTurn, type TurnDependencies } from "../../src/engine/session-turns.ts";
import type { Worker } from "../../src/host/worker.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { handWorker, onEnd, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { fakeClock } from "../support/clock.ts";
import { processes, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

/** The machine may be busy with other things. */
const PATIENT = { timeout: 10_000 };

/** Notes how many messages it has at once, and in which order they came. */
function watchfulWorker() {
  const seen = { order: [] as unknown[], most: 0 };
  let inFlight = 0;
  const worker: Worker = {
    description: { does: "Notes.", payload: "anything", example: 1 },
    run: async ({ payload }) => {
      seen.order.push(payload);
      seen.most = Math.max(seen.most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inFlight -= 1;
      return { result: payload };
    },
    close: async () => {},
  };
  return { worker, seen };
}

const fifty = Array.from({ length: 50 }, (_, index) => index);

describe("the turn of a session", () => {
  it("comes in the order of the calls to one engine", async () => {
    const { worker, seen } = watchfulWorker();
    const host = await startHost({ worker });
    const memory = createMemoryStore({ clock: systemClock });
    let claims = 0;
    const store: Store = {
      ...memory,
      put: (key, ...rest) => {
        if (key === "session/s") claims += 1;
        return memory.put(key, ...rest);
      },
    };
    const { spawn, send, history } = testEngine({ fleet: { A: host.origin }, store });
    await spawn({ sessionId: "s" });
    const answers = await Promise.all(fifty.map((data) => send({ sessionId: "s", data })));
    expect(answers.map(({ seq, result }) => [seq, result])).toEqual(fifty.map((n) => [n + 1, n]));
    expect(seen).toEqual({ order: fifty, most: 1 });
    // One write spawned it; each message took the turn and gave it back, and nobody fought over it.
    expect(claims).toBe(1 + 2 * fifty.length);
    expect((await history({ sessionId: "s" })).transcript).toMatchObject(fifty.map((data) => ({ data })));
  });

  it("is held by one message at a time across two engines on one file", async () => {
    const { worker, seen } = watchfulWorker();
    const host = await startHost({ worker });
    const file = await stateFile();
    const fleet = { A: host.origin };
    const one = testEngine({ fleet, store: await sqliteAt(file), processes: processes("one") });
    const two = testEngine({ fleet, store: await sqliteAt(file), processes: processes("two") });
    await one.spawn({ sessionId: "s" });
    const answers = await Promise.all(
      fifty.map((data) => (data % 2 ? one : two).send({ sessionId: "s", data })),
    );
    expect(seen.most).toBe(1);
    const inTurn = answers.toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
    expect(inTurn.map(({ seq }) => seq)).toEqual(fifty.map((n) => n + 1));
    expect(inTurn.map(({ result }) => result)).toEqual(seen.order);
    for (const parity of [0, 1]) {
      const own = seen.order.filter((n) => Number(n) % 2 === parity);
      expect(own).toEqual(own.toSorted((a, b) => Number(a) - Number(b)));
    }
    const { transcript } = await two.history({ sessionId: "s" });
    expect(transcript).toMatchObject(seen.order.map((data) => ({ data })));
  });

  it("is given up by who is cancelled while waiting, and those behind move up", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { spawn, send, cancel } = testEngine({ fleet: { A: host.origin } });
    await spawn({ sessionId: "s" });
    const first = send({ sessionId: "s", data: 1 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const second = await send({ sessionId: "s", data: 2, wait: "10ms" });
    expect(second).toMatchObject({ reply: "pending", delivery: "not_sent", survivesExit: false });
    const third = send({ sessionId: "s", data: 3 });
    expect((await cancel(second.runId)).outcomes).toMatchObject([{ delivery: "not_sent", reply: "none" }]);
    worker.tasks[0]?.finish("one");
    await expect.poll(() => worker.payloads(), PATIENT).toEqual([1, 3]);
    worker.tasks[1]?.finish("three");
    expect(await Promise.all([first, third])).toMatchObject([{ seq: 1 }, { seq: 2, result: "three" }]);
  });

  it("of a process that was killed in mid-send is taken over, and its message marked", async () => {
    const worker = handWorker({ stops: false });
    const host = await startHost({ worker });
    const file = await stateFile();
    const engine = testEngine({
      fleet: { A: host.origin },
      store: await sqliteAt(file),
      processes: systemProcesses(),
    });
    await engine.spawn({ sessionId: "s" });
    const script = fileURLToPath(new URL("send-process.ts", import.meta.url));
    const child = spawnProcess(
      process.execPath,
      ["--import", "tsx", script, file, host.origin, "s", "theirs"],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    onEnd(async () => child.kill("SIGKILL"));
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    const mine = engine.send({ sessionId: "s", data: "mine" });
    child.kill("SIGKILL");
    await once(child, "exit");
    // The host's own order holds: the message that the dead process sent ends first.
    worker.tasks[0]?.finish("too late");
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(2);
    worker.tasks[1]?.finish("done");
    expect(await mine).toMatchObject({ seq: 2, result: "done" });
    expect((await engine.history({ sessionId: "s" })).transcript).toMatchObject([
      { seq: 1, data: "theirs", delivery: "unknown", reply: "none", error: { code: "interrupted" } },
      { seq: 2, data: "mine", reply: "done" },
    ]);
  }, 30_000);

  it("of a process that was stopped before it sent anything goes to others, and it sends nothing when it wakes", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const store = createMemoryStore({ clock: systemClock });
    const clock = fakeClock(Date.now());
    let stopped = false;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const stopping: Store = {
      ...store,
      put: async (key, ...rest) => {
        // The turn is taken and the message is about to be written: from here on it is silent.
        stopped ||= key.startsWith("message/");
        if (stopped) await woken;
        return store.put(key, ...rest);
      },
    };
    const fleet = { A: host.origin };
    const one = testEngine({ fleet, store: stopping, processes: processes("one") });
    const two = testEngine({ fleet, store, clock, processes: processes("two") });
    await two.spawn({ sessionId: "s" });
    const theirs = refusalOf(one.send({ sessionId: "s", data: "theirs" }));
    await expect.poll(() => stopped, PATIENT).toBe(true);
    const mine = two.send({ sessionId: "s", data: "mine", timeout: "10m" });
    two.engine.start();
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return worker.payloads();
      }, PATIENT)
      .toEqual(["mine"]);
    wake();
    expect(await theirs).toMatchObject({ code: "conflict", delivery: "not_sent" });
    worker.tasks[0]?.finish("done");
    expect(await mine).toMatchObject({ result: "done" });
    expect((await two.history({ sessionId: "s" })).transcript).toMatchObject([
      { data: "mine", reply: "done" },
    ]);
    expect(worker.payloads()).toEqual(["mine"]);
  });

  it("that cannot be given back costs a warning, not the answer, and this process takes it again", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const memory = createMemoryStore({ clock: systemClock });
    let broken = false;
    const store: Store = {
      ...memory,
      put: async (key, ...rest) => {
        if (broken && key.startsWith("session/")) throw new OrchestratorError("store_unavailable", "Full.");
        return memory.put(key, ...rest);
      },
    };
    const { spawn, send } = testEngine({ fleet: { A: host.origin }, store });
    await spawn({ sessionId: "s" });
    const first = send({ sessionId: "s", data: 1 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    broken = true;
    worker.tasks[0]?.finish("answered");
    expect(await first).toMatchObject({ result: "answered", warnings: [expect.stringContaining("Full.")] });
    broken = false;
    const second = send({ sessionId: "s", data: 2 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(2);
    worker.tasks[1]?.finish("also");
    expect(await second).toMatchObject({ seq: 2, result: "also" });
  });

  it("that cannot be given back is given back later, so that other processes go on", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const file = await stateFile();
    const sqlite = await sqliteAt(file);
    let broken = false;
    const store: Store = {
      ...sqlite,
      put: async (key, ...rest) => {
        if (broken) throw new OrchestratorError("store_unavailable", "Full.");
        return sqlite.put(key, ...rest);
      },
    };
    const fleet = { A: host.origin };
    const one = testEngine({ fleet, store, processes: processes("one") });
    const two = testEngine({ fleet, store: await sqliteAt(file), processes: processes("two") });
    await one.spawn({ sessionId: "s" });
    const first = one.send({ sessionId: "s", data: 1 });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    broken = true;
    worker.tasks[0]?.finish("answered");
    expect(await first).toMatchObject({ result: "answered", warnings: [expect.stringContaining("Full.")] });
    const second = two.send({ sessionId: "s", data: 2 });
    broken = false;
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(2);
    worker.tasks[1]?.finish("also");
    expect(await second).toMatchObject({ seq: 2, result: "also" });
    expect((await two.history({ sessionId: "s" })).transcript).toMatchObject([
      { seq: 1, reply: "done", result: "answered" },
      { seq: 2, reply: "done", result: "also" },
    ]);
  });
});

describe("a send that is not to queue", () => {
  it("is refused while another message is being answered, here or elsewhere, and sends nothing", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const file = await stateFile();
    const fleet = { A: host.origin };
    const one = testEngine({ fleet, store: await sqliteAt(file), processes: processes("one") });
    const two = testEngine({ fleet, store: await sqliteAt(file), processes: processes("two") });
    await one.spawn({ sessionId: "s" });
    const first = one.send({ sessionId: "s", data: 1, queue: false });
    await expect.poll(() => worker.tasks.length, PATIENT).toBe(1);
    for (const { send } of [one, two]) {
      const error = await refusalOf(send({ sessionId: "s", data: 2, queue: false }));
      expect(error).toMatchObject({
        code: "session_busy",
        instance: "A",
        delivery: "not_sent",
        retryable: true,
      });
      expect(error.message).toContain("message 1 (run run-");
    }
    worker.tasks[0]?.finish("one");
    expect(await first).toMatchObject({ seq: 1, result: "one" });
    const third = two.send({ sessionId: "s", data: 3, queue: false });
    await expect.poll(() => worker.payloads(), PATIENT).toEqual([1, 3]);
    worker.tasks[1]?.finish("three");
    expect(await third).toMatchObject({ seq: 2, result: "three" });
  });
});

describe("a send with a key of its caller's", () => {
  it("is answered with the same run when it comes again, and never sent twice", async () => {
    const { worker, seen } = watchfulWorker();
    const host = await startHost({ worker });
    const { spawn, send, closeSession, history } = testEngine({ fleet: { A: host.origin } });
    await spawn({ sessionId: "s" });
    const again = () => send({ sessionId: "s", data: "once", idempotencyKey: "k" });
    const [one, two] = await Promise.all([again(), again()]);
    expect([two, await again()]).toEqual([one, one]);
    expect(await refusalOf(send({ sessionId: "s", data: "other", idempotencyKey: "k" }))).toMatchObject({
      code: "conflict",
    });
    expect(await send({ sessionId: "s", data: "next" })).toMatchObject({ seq: 2 });
    expect(seen.order).toEqual(["once", "next"]);
    expect((await history({ sessionId: "s" })).messages).toBe(2);
    await closeSession({ sessionId: "s" });
    await spawn({ sessionId: "s" });
    expect(await refusalOf(again())).toMatchObject({ code: "conflict" });
  });
});

describe("the turn of a run that another process has taken over and ended", () => {
  const ended = (run: Partial<Run>): Run => ({
    runId: "run-theirs",
    operation: "sessions_send",
    createdAt: 0,
    deadlineAt: 0,
    createdBy: "test",
    owner: "two",
    sessionId: "s",
    seq: 1,
    explanation: { order: [], excluded: [] },
    outcomes: [{ instance: "A", delivery: "accepted", reply: "done", result: "found" }],
    attempts: [],
    ...run,
  });

  async function leftOpen() {
    const { spawn, send, history, store } = testEngine({
      fleet: { A: (await startHost({ worker: watchfulWorker().worker })).origin },
    });
    await spawn({ sessionId: "s" });
    const records = new SessionRecords(store);
    const { session } = await records.open("s");
    await records.update("s", (now) => ({
      ...now,
      seq: 1,
      turn: { runId: "run-theirs", processId: "elsewhere", seq: 1 },
    }));
    const message = { seq: 1, runId: "run-theirs", instance: "A", epoch: 1, at: 0, data: "theirs" };
    await records.putMessage(session, { ...message, delivery: "not_sent", reply: "pending" });
    const end = (run: Partial<Run> = {}) =>
      endRecoveredTurn({ records } as unknown as TurnDependencies, ended(run));
    return { end, records, send, transcript: async () => (await history({ sessionId: "s" })).transcript };
  }

  it("ends with its message's answer, once, and the next one follows", async () => {
    const { end, send, transcript } = await leftOpen();
    await end();
    await end({ outcomes: [{ instance: "A", delivery: "accepted", reply: "failed" }] });
    expect(await send({ sessionId: "s", data: "next" })).toMatchObject({ seq: 2 });
    await end({ outcomes: [] });
    expect(await transcript()).toMatchObject([
      { seq: 1, data: "theirs", delivery: "accepted", reply: "done", result: "found" },
      { seq: 2, data: "next" },
    ]);
  });

  it("leaves the transcript as it was where the message was not sent", async () => {
    const { end, send, transcript } = await leftOpen();
    await end({ outcomes: [{ instance: "A", delivery: "not_sent", reply: "none" }] });
    expect(await send({ sessionId: "s", data: "next" })).toMatchObject({ seq: 1 });
    expect(await transcript()).toMatchObject([{ seq: 1, data: "next" }]);
  });

  it("stays with whoever has it now, and what is marked stays marked", async () => {
    const { end, records, transcript } = await leftOpen();
    const { session } = await records.open("s");
    await records.settle(session, { seq: 1, runId: "run-theirs" }, { delivery: "unknown", reply: "none" });
    await records.update("s", (now) => ({
      ...now,
      turn: { runId: "run-ours", processId: "here", seq: 2 },
    }));
    await end();
    expect((await records.open("s")).session.turn).toMatchObject({ runId: "run-ours" });
    await records.update("s", (now) => ({
      ...now,
      turn: { runId: "run-theirs", processId: "elsewhere", seq: 1 },
    }));
    await end();
    expect((await records.open("s")).session.turn).toBeUndefined();
    expect(await transcript()).toMatchObject([{ seq: 1, delivery: "unknown", reply: "none" }]);
  });
});

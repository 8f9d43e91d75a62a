import { describe, expect, it } from "vitest";
import type { Worker } from "../../src/host/worker.ts";
import { handWorker, startHost } from "../host/harness.ts";
import { closedPort, startServer } from "../instances/harness.ts";
import { hang, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

/** Remembers what it was told in a session, and answers with all of it. */
export function rememberingWorker(): Worker {
  return {
    description: { does: "Remembers.", payload: "anything", example: 1 },
    run: async ({ payload, session }) => {
      const state = [...((session?.state as unknown[] | undefined) ?? []), payload] as string[];
      return { result: state, state };
    },
    close: async () => {},
  };
}

async function fleetOf(...names: string[]) {
  const hosts = await Promise.all(names.map((name) => startHost({ name, worker: rememberingWorker() })));
  return Object.fromEntries(names.map((name, index) => [name, hosts[index]?.origin ?? ""]));
}

describe("sessions", () => {
  it("carry on from message to message, with a transcript", async () => {
    const { spawn, send, history, sessions } = testEngine({ fleet: await fleetOf("A", "B") });
    expect(await spawn({ sessionId: "s", instance: "B" })).toEqual({ sessionId: "s", instance: "B" });
    expect(await send({ sessionId: "s", data: "one" })).toMatchObject({
      seq: 1,
      instance: "B",
      result: ["one"],
    });
    expect(await send({ sessionId: "s", data: "two" })).toMatchObject({ seq: 2, result: ["one", "two"] });
    expect(await history({ sessionId: "s" })).toMatchObject({
      state: "open",
      messages: 2,
      transcript: [
        { seq: 1, data: "one", delivery: "accepted", reply: "done", result: ["one"] },
        { seq: 2, data: "two", result: ["one", "two"] },
      ],
    });
    expect((await sessions()).items).toMatchObject([{ sessionId: "s", instance: "B", state: "open" }]);
  });

  it("exist once: a second spawn names the owner and what to do", async () => {
    const { spawn } = testEngine({ fleet: await fleetOf("A") });
    const calls = await Promise.allSettled([1, 2, 3, 4].map(() => spawn({ sessionId: "s" })));
    expect(calls.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const error = await refusalOf(spawn({ sessionId: "s" }));
    expect(error).toMatchObject({ code: "session_exists", instance: "A" });
    expect(error.action).toContain("sessions_send");
  });

  it.each([
    ["breaks off", reset],
    ["fails", respond({ status: 500, body: "oops" })],
    ["gives no id", respond({ body: {} })],
  ])("are no work: where one %s, spawning again is safe, and nothing says otherwise", async (_how, fault) => {
    const server = await startServer();
    server.play(fault);
    const error = await refusalOf(
      testEngine({ fleet: { A: server.url } }).spawn({ sessionId: "s", instance: "A" }),
    );
    expect(error.toBody()).toMatchObject({ instance: "A", delivery: "not_sent" });
    expect(error.action).toMatch(/^No work was given to anybody/);
  });

  it("begin afresh after a close, under the same name", async () => {
    const { spawn, send, closeSession, history } = testEngine({ fleet: await fleetOf("A") });
    await spawn({ sessionId: "s" });
    await send({ sessionId: "s", data: "old" });
    expect(await closeSession({ sessionId: "s" })).toMatchObject({ state: "closed", messages: 1 });
    expect(await history({ sessionId: "s" })).toMatchObject({
      state: "closed",
      transcript: [{ data: "old" }],
    });
    for (const call of [send({ sessionId: "s", data: 1 }), closeSession({ sessionId: "s" })]) {
      expect(await refusalOf(call)).toMatchObject({ code: "session_not_found" });
    }
    await spawn({ sessionId: "s" });
    expect(await send({ sessionId: "s", data: "new" })).toMatchObject({ seq: 1, result: ["new"] });
    expect(await history({ sessionId: "s" })).toMatchObject({ messages: 1, transcript: [{ data: "new" }] });
  });

  it("take their own token, or none, and refuse a wrong one", async () => {
    const { spawn, send, history, closeSession, store } = testEngine({ fleet: await fleetOf("A") });
    const { token = "" } = await spawn({ sessionId: "s", withToken: true });
    expect(token).not.toBe("");
    await send({ sessionId: "s", data: 1, token });
    for (const call of [
      send({ sessionId: "s", data: 2, token: "guess" }),
      history({ sessionId: "s", token: "guess" }),
      closeSession({ sessionId: "s", token: "guess" }),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ code: "forbidden" });
    }
    expect((await history({ sessionId: "s" })).transcript).toHaveLength(1);
    const [kept] = await store.list("session/");
    expect(JSON.parse(kept?.value ?? "{}").tokenHash).toBe(`hash of ${token}`);
  });

  it("read their transcript in pages", async () => {
    const { spawn, send, history } = testEngine({ fleet: await fleetOf("A") });
    await spawn({ sessionId: "s" });
    for (const data of [1, 2, 3]) await send({ sessionId: "s", data });
    const first = await history({ sessionId: "s", limit: 2 });
    expect(first).toMatchObject({ next: 2, transcript: [{ data: 1 }, { data: 2 }] });
    const second = await history({ sessionId: "s", limit: 2, after: first.next });
    expect(second.transcript).toMatchObject([{ data: 3 }]);
    expect(second.next).toBeUndefined();
  });

  it("are listed in pages", async () => {
    const { spawn, sessions } = testEngine({ fleet: await fleetOf("A") });
    for (const sessionId of ["c", "a", "b"]) await spawn({ sessionId });
    const first = await sessions({ limit: 2 });
    const second = await sessions({ limit: 2, after: first.next });
    const ids = [...first.items, ...second.items].map(({ sessionId }) => sessionId);
    expect(ids).toEqual(["a", "b", "c"]);
    expect(second.next).toBeUndefined();
  });

  it("open at the next candidate when the first refuses, and name all when none can", async () => {
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const { spawn } = testEngine({ fleet: { ...(await fleetOf("A")), D: dead } });
    expect(await spawn({ sessionId: "s", instance: ["D", "A"] })).toMatchObject({ instance: "A" });
    const error = await refusalOf(spawn({ sessionId: "t", instance: "D" }));
    expect(error).toMatchObject({ code: "instance_down", instance: "D", delivery: "not_sent" });
    expect(error.message).toContain("D: connection refused");
  });

  it("whose owner is gone say so clearly, and keep their transcript", async () => {
    const file = await stateFile();
    const first = testEngine({ fleet: await fleetOf("A"), store: await sqliteAt(file) });
    await first.spawn({ sessionId: "s" });
    await first.send({ sessionId: "s", data: "kept" });
    const elsewhere = testEngine({ fleet: await fleetOf("A"), store: await sqliteAt(file) });
    const error = await refusalOf(elsewhere.send({ sessionId: "s", data: 1 }));
    expect(error).toMatchObject({ code: "instance_down", instance: "A", delivery: "not_sent" });
    expect(error.message).toContain("not in the fleet");
    // Its caller is told: a log of it, with a stack, would be noise on a terminal.
    expect(elsewhere.logger.lines.filter(({ level }) => level !== "debug")).toEqual([]);
    expect(await elsewhere.history({ sessionId: "s" })).toMatchObject({ transcript: [{ data: "kept" }] });
  });
});

describe("opening a session", () => {
  it("at one silent instance after another ends when the face can keep the call open no longer", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(hang);
    b.play(hang);
    const { spawn, sessions } = testEngine({ fleet: { A: a.url, B: b.url } });
    const refused = await refusalOf(spawn({ sessionId: "s", instance: "A,B" }, { longestWaitMs: 200 }));
    expect(refused).toMatchObject({
      code: "timeout",
      message: "No instance opened the session within 200 ms.",
      delivery: "not_sent",
    });
    expect((await sessions()).items).toEqual([]);
  });
});

describe("a message that was not sent", () => {
  it("leaves the transcript as it was", async () => {
    const a = await startServer();
    a.play(
      respond({ status: 201, body: { id: "remote" } }),
      refuse(400, { code: "bad_request", message: "no" }),
    );
    const { spawn, send, history, run } = testEngine({ fleet: { A: a.url } });
    await spawn({ sessionId: "s" });
    const error = await refusalOf(send({ sessionId: "s", data: "never" }));
    expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    expect(await history({ sessionId: "s" })).toMatchObject({ messages: 0, transcript: [] });
    expect(await run(error.runId ?? "")).toMatchObject({ state: "ended", sessionId: "s" });
  });

  it("of unknown delivery stays in the transcript, marked, and blocks nobody", async () => {
    const a = await startServer();
    let posts = 0;
    a.play(
      byMethod({
        post: (socket, request) => {
          const faults = [respond({ status: 201, body: { id: "remote" } }), reset];
          const answer = respond({ body: { reply: "done", result: JSON.parse(request.body) } });
          (faults[posts++] ?? answer)(socket, request);
        },
        get: refuse(404, { code: "run_not_found" }),
        delete: refuse(500, { code: "internal" }),
      }),
    );
    const { spawn, send, history } = testEngine({ fleet: { A: a.url } });
    await spawn({ sessionId: "s" });
    expect(await refusalOf(send({ sessionId: "s", data: "lost" }))).toMatchObject({ delivery: "unknown" });
    expect(await send({ sessionId: "s", data: "next" })).toMatchObject({
      seq: 2,
      result: { seq: 2, epoch: 1 },
    });
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([
      { seq: 1, data: "lost", delivery: "unknown", reply: "none" },
      { seq: 2, data: "next", reply: "done" },
    ]);
  });

  it("because the session was closed while it waited for its turn says so in its run", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { spawn, send, closeSession, history, run } = testEngine({ fleet: { A: host.origin } });
    await spawn({ sessionId: "s" });
    const first = refusalOf(send({ sessionId: "s", data: 1 }));
    await expect.poll(() => worker.tasks.length).toBe(1);
    const waiting = await send({ sessionId: "s", data: 2, wait: "20ms" });
    expect(waiting).toMatchObject({ reply: "pending", delivery: "not_sent" });
    await closeSession({ sessionId: "s" });
    expect(await first).toMatchObject({ code: "cancelled", delivery: "accepted" });
    expect(await run(waiting.runId, 5)).toMatchObject({
      state: "ended",
      outcomes: [{ delivery: "not_sent", error: { code: "session_not_found" } }],
    });
    expect((await history({ sessionId: "s" })).transcript).toMatchObject([{ data: 1, reply: "cancelled" }]);
  });

  it("because its timeout passed while it waited may be sent again", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const { spawn, send } = testEngine({ fleet: { A: host.origin } });
    await spawn({ sessionId: "s" });
    const first = send({ sessionId: "s", data: 1 });
    await expect.poll(() => worker.tasks.length).toBe(1);
    const error = await refusalOf(send({ sessionId: "s", data: 2, timeout: "50ms" }));
    expect(error).toMatchObject({ code: "timeout", delivery: "not_sent", retryable: true });
    worker.tasks[0]?.finish("one");
    expect(await first).toMatchObject({ result: "one", seq: 1 });
  });
});

it("a message that waited for its turn never goes to a later session of the same name", async () => {
  const worker = handWorker({ stops: false });
  const host = await startHost({ worker });
  const { spawn, send, closeSession, history, run } = testEngine({ fleet: { A: host.origin } });
  await spawn({ sessionId: "s" });
  const first = await send({ sessionId: "s", data: "in the old session", wait: 0 });
  await expect.poll(() => worker.tasks.length).toBe(1);
  const waiting = await send({ sessionId: "s", data: "for the old session", wait: 0 });
  await closeSession({ sessionId: "s" });
  await spawn({ sessionId: "s" });
  worker.tasks[0]?.finish("late");
  await run(first.runId, 5);
  const { outcomes } = await run(waiting.runId, 5);
  expect(outcomes).toMatchObject([{ delivery: "not_sent", error: { code: "session_not_found" } }]);
  expect(worker.payloads()).toEqual(["in the old session"]);
  expect(await history({ sessionId: "s" })).toMatchObject({ messages: 0, transcript: [] });
});

it("a session can be spawned again while the last message of the closed one is still being noted", async () => {
  const host = await startHost({ worker: handWorker() });
  const file = await stateFile();
  const { spawn, send, closeSession } = testEngine({
    fleet: { A: host.origin },
    store: await sqliteAt(file),
  });
  await spawn({ sessionId: "s" });
  const last = refusalOf(send({ sessionId: "s", data: 1 }));
  await expect.poll(() => host.stats().inFlight).toBe(1);
  await closeSession({ sessionId: "s" });
  expect(await spawn({ sessionId: "s" })).toMatchObject({ instance: "A" });
  expect(await last).toMatchObject({ code: "cancelled" });
});

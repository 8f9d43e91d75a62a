import { describe, expect, it, vi } from "vitest";
import type { Json } from "../../src/core/json.ts";
import type { Worker } from "../../src/host/worker.ts";
import { echoWorker, handWorker, startHost } from "./harness.ts";

/** Adds each number to what the session holds; text fails. */
function sumWorker(): Worker & { histories: Json[] } {
  const histories: Json[] = [];
  return {
    ...echoWorker(),
    histories,
    run: async ({ payload, session }) => {
      if (typeof payload !== "number") throw new Error("not a number");
      histories.push((session?.history ?? []) as unknown as Json);
      const sum = Number(session?.state ?? 0) + payload;
      return { result: sum, state: sum };
    },
  };
}

describe("a session", () => {
  it("gives each message the state and the history that the ones before left", async () => {
    const worker = sumWorker();
    const host = await startHost({ worker });
    const opened = await host.call("POST", "/api/sessions", { sessionId: "session1", epoch: 3 });
    expect([opened.status, opened.body]).toEqual([201, { id: expect.any(String), epoch: 3 }]);
    const id = String(opened.body.id);
    for (const [index, data] of [5, 7, 1].entries()) {
      await host.message(id, { data, seq: index + 1, epoch: 3 });
    }
    const last = await host.message(id, { data: 10, seq: 4, epoch: 3 });
    expect(last).toMatchObject({ status: 200, body: { reply: "done", result: 23 } });
    expect(worker.histories.at(-1)).toEqual([
      { data: 5, result: 5 },
      { data: 7, result: 12 },
      { data: 1, result: 13 },
    ]);
  });

  it("has an id of its own, so that two of one name are two", async () => {
    const host = await startHost({ worker: sumWorker() });
    const [one, two] = [await host.open(), await host.open()];
    await host.message(one, { data: 5, seq: 1, epoch: 1 });
    expect((await host.message(two, { data: 1, seq: 1, epoch: 1 })).body.result).toBe(1);
  });

  it("begins with the history that it is given, which is no work", async () => {
    const worker = sumWorker();
    const host = await startHost({ worker });
    const history = [{ data: 40, result: 40 }];
    const id = await host.open({ history });
    expect(worker.histories).toEqual([]);
    expect((await host.message(id, { data: 2, seq: 7, epoch: 1 })).body.result).toBe(2);
    expect(worker.histories).toEqual([history]);
  });

  it("keeps its state when a message fails, and goes on", async () => {
    const host = await startHost({ worker: sumWorker() });
    const id = await host.open();
    await host.message(id, { data: 5, seq: 1, epoch: 1 });
    expect((await host.message(id, { data: "five", seq: 2, epoch: 1 })).body.reply).toBe("failed");
    expect((await host.message(id, { data: 6, seq: 3, epoch: 1 })).body.result).toBe(11);
  });

  it("answers a message of the same key once", async () => {
    const host = await startHost({ worker: sumWorker() });
    const id = await host.open();
    const first = await host.message(id, { data: 5, seq: 1, epoch: 1 }, { key: "k" });
    expect((await host.message(id, { data: 5, seq: 1, epoch: 1 }, { key: "k" })).body).toEqual(first.body);
    expect((await host.message(id, { data: 1, seq: 2, epoch: 1 })).body.result).toBe(6);
  });
});

describe("the messages of one session", () => {
  it("are answered one at a time, in the order of their numbers, not of their arrival", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const id = await host.open();
    const sent = [];
    for (const seq of [1, 4, 2, 3]) {
      sent.push(host.message(id, { data: seq, seq, epoch: 1 }, { wait: 10 }));
      await vi.waitFor(() => expect(host.stats()).toEqual({ inFlight: 1, queued: sent.length - 1 }));
    }
    for (let n = 1; n <= 4; n++) {
      await vi.waitFor(() => expect(worker.tasks).toHaveLength(n));
      expect(host.stats()).toEqual({ inFlight: 1, queued: 4 - n });
      worker.tasks[n - 1]!.finish(`answer ${n}`);
    }
    await Promise.all(sent);
    expect(worker.payloads()).toEqual([1, 2, 3, 4]);
  });

  it("do not hold up those of another", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const [one, two] = [await host.open(), await host.open()];
    await host.message(one, { data: "one", seq: 1, epoch: 1 }, { wait: 0 });
    await host.message(two, { data: "two", seq: 1, epoch: 1 }, { wait: 0 });
    await vi.waitFor(() => expect(worker.payloads()).toEqual(["one", "two"]));
  });

  it("of another epoch are a conflict, and nothing is recorded", async () => {
    const worker = sumWorker();
    const host = await startHost({ worker });
    const id = await host.open({ epoch: 2 });
    const { status, body } = await host.message(id, { data: 1, seq: 1, epoch: 1 }, { key: "old" });
    expect([status, body.error.code, body.error.delivery]).toEqual([409, "conflict", "not_sent"]);
    expect((await host.call("GET", "/api/tasks?key=old")).status).toBe(404);
    expect(worker.histories).toEqual([]);
  });

  it("that are behind one that runs or is answered are a conflict", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const id = await host.open();
    const running = host.message(id, { data: 2, seq: 2, epoch: 1 }, { wait: 10 });
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    const send = async (seq: number) =>
      (await host.message(id, { data: seq, seq, epoch: 1 }, { wait: 0 })).status;
    expect([await send(1), await send(2)]).toEqual([409, 409]);
    worker.tasks[0]!.finish("answered");
    await running;
    expect([await send(1), await send(2), await send(3)]).toEqual([409, 409, 202]);
  });

  it("posted at once under one number are one message and conflicts", async () => {
    const worker = sumWorker();
    const host = await startHost({ worker });
    const id = await host.open();
    const posts = await Promise.all(
      Array.from({ length: 10 }, () => host.message(id, { data: 1, seq: 1, epoch: 1 })),
    );
    expect(posts.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
    expect(worker.histories).toHaveLength(1);
  });

  it("can be cancelled while they wait for their turn, and the next one follows", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const id = await host.open();
    for (const seq of [1, 2, 3]) {
      await host.message(id, { data: seq, seq, epoch: 1 }, { key: `m${seq}`, wait: 0 });
    }
    expect((await host.call("DELETE", "/api/tasks?key=m2")).body.reply).toBe("cancelled");
    worker.tasks[0]!.finish("one");
    await vi.waitFor(() => expect(worker.payloads()).toEqual([1, 3]));
  });
});

describe("a session that is closed", () => {
  it("is not found any more", async () => {
    const host = await startHost({ worker: sumWorker() });
    const id = await host.open();
    expect((await host.call("DELETE", `/api/sessions/${id}`)).status).toBe(200);
    const { status, body } = await host.message(id, { data: 1, seq: 1, epoch: 1 });
    expect([status, body.error.code, body.error.delivery]).toEqual([404, "session_not_found", "not_sent"]);
    expect((await host.call("DELETE", `/api/sessions/${id}`)).body.error.code).toBe("session_not_found");
  });

  it("cancels the messages that are not answered, and leaves nothing behind", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const id = await host.open({ history: [{ data: 1, result: 2 }] });
    const sent = [1, 2].map((seq) => host.message(id, { data: seq, seq, epoch: 1 }, { wait: 10 }));
    await vi.waitFor(() => expect(host.stats()).toEqual({ inFlight: 1, queued: 1 }));
    await host.call("DELETE", `/api/sessions/${id}`);
    for (const { body } of await Promise.all(sent)) expect(body.reply).toBe("cancelled");
    expect(await host.store.list("session/")).toEqual([]);
    expect(await host.store.list("turn/")).toEqual([]);
  });

  it("does not come back when a worker finishes all the same", async () => {
    const worker = handWorker({ stops: false });
    const host = await startHost({ worker });
    const id = await host.open();
    const sent = host.message(id, { data: 1, seq: 1, epoch: 1 }, { wait: 10 });
    await vi.waitFor(() => expect(worker.tasks).toHaveLength(1));
    await host.call("DELETE", `/api/sessions/${id}`);
    worker.tasks[0]!.finish("late", "state");
    expect((await sent).body).toMatchObject({ reply: "done", result: "late" });
    expect([...(await host.store.list("session/")), ...(await host.store.list("turn/"))]).toEqual([]);
  });
});

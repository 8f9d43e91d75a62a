import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Store } from "../../src/core/ports.ts";
import type { Run } from "../../src/core/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { systemClock } from "../host/harness-clock.ts";
import { startServer } from "../instances/harness.ts";
import type { Fault } from "../support/fault-server.ts";
import { done, refuse, reset, respond } from "../support/faults.ts";
import { byMethod, refusalOf, sqliteAt, stateFile, testEngine } from "./harness.ts";

/** A store whose writes fail while `broken` says so of their keys. */
function breakableStore() {
  const store = createMemoryStore({ clock: systemClock });
  const state = { broken: (_key: string) => false };
  const breakable: Store = {
    ...store,
    put: async (key, ...rest) => {
      if (state.broken(key)) throw new OrchestratorError("store_unavailable", "The disk is full.");
      return store.put(key, ...rest);
    },
  };
  return { store: breakable, state };
}

/** Answers once something has been done. */
function once(action: () => Promise<unknown>, then: Fault): Fault {
  return (socket, request) => void action().then(() => then(socket, request));
}

const stored = async (store: Store): Promise<Run> =>
  JSON.parse((await store.list("run/"))[0]?.value ?? "null");

describe("the intent of an attempt", () => {
  it.each(["memory", "sqlite"])("is in the %s store before the first byte leaves", async (kind) => {
    const a = await startServer();
    const file = await stateFile();
    const store = kind === "sqlite" ? await sqliteAt(file) : createMemoryStore({ clock: systemClock });
    const reader = kind === "sqlite" ? await sqliteAt(file) : store;
    const seen: Run[] = [];
    a.play(once(async () => seen.push(await stored(reader)), done("ok")));
    const { delegate, fanout } = testEngine({ fleet: { A: a.url }, store });

    const { runId } = await delegate({ instances: ["A"] });
    expect(seen[0]).toMatchObject({
      runId,
      attempts: [{ instance: "A", delivery: "unknown", reply: "pending" }],
      outcomes: [{ instance: "A", delivery: "unknown", reply: "pending" }],
    });
    expect(seen[0]?.attempts[0]?.key).toBe(a.requests[0]?.headers["idempotency-key"]);
    await fanout({ targets: ["A"] });
    expect(seen).toHaveLength(2);
    await reader.close();
  });

  it("sends nothing when it cannot be stored", async () => {
    const a = await startServer();
    const { store, state } = breakableStore();
    const { delegate, fanout } = testEngine({ fleet: { A: a.url }, store });
    state.broken = () => true;
    for (const call of [delegate({ instances: ["A"] }), fanout({ targets: ["A"] })]) {
      const error = await refusalOf(call);
      expect(error).toMatchObject({ code: "store_unavailable", delivery: "not_sent", retryable: true });
    }
    expect(a.requests).toEqual([]);
  });

  it("sends nothing when another process has taken the run over", async () => {
    const a = await startServer();
    const { store } = breakableStore();
    const takeOver = async () => {
      const [entry] = await store.list("run/");
      await store.put(entry?.key ?? "", entry?.value ?? "");
    };
    a.play(once(takeOver, refuse(503, { code: "overloaded", delivery: "not_sent" })));
    const { delegate } = testEngine({ fleet: { A: a.url }, store });
    expect(await refusalOf(delegate({ instances: ["A"] }))).toMatchObject({
      code: "conflict",
      delivery: "not_sent",
    });
    expect(a.requests).toHaveLength(1);
  });

  it("that fails after work of unknown delivery is no safe refusal", async () => {
    const [a, b] = [await startServer(), await startServer()];
    const { store, state } = breakableStore();
    a.play(
      byMethod({
        post: (socket, request) => {
          state.broken = () => true;
          reset(socket, request);
        },
        get: refuse(404, { code: "run_not_found" }),
        delete: refuse(500, { code: "internal" }),
      }),
    );
    const { delegate } = testEngine({ fleet: { A: a.url, B: b.url }, store });
    const error = await refusalOf(delegate({ instances: ["A", "B"], idempotent: true }));
    expect(error).toMatchObject({
      code: "store_unavailable",
      delivery: "unknown",
      retryable: false,
      status: 502,
    });
    expect(b.requests).toEqual([]);
  });

  it("that fails for a moment leaves an ended run behind, not an open one", async () => {
    const [a, b] = [await startServer(), await startServer()];
    const { store, state } = breakableStore();
    let writes = 0;
    state.broken = (key) => key.startsWith("run/") && ++writes === 2;
    a.play(refuse(400, { code: "bad_request", message: "not here" }));
    const { delegate, run } = testEngine({ fleet: { A: a.url, B: b.url }, store });
    const { runId = "" } = await refusalOf(delegate({ instances: ["A", "B"] }));
    expect(await run(runId)).toMatchObject({
      state: "ended",
      outcomes: [
        { instance: "A", error: { code: "bad_request" } },
        { instance: "B", delivery: "not_sent", error: { code: "store_unavailable" } },
      ],
    });
    expect(b.requests).toEqual([]);
  });
});

describe("a store that fails after the work", () => {
  it("costs a warning beside the result, not the result", async () => {
    const a = await startServer();
    const { store, state } = breakableStore();
    a.play((socket, request) => {
      state.broken = () => true;
      done("worth keeping")(socket, request);
    });
    const { delegate, fanout } = testEngine({ fleet: { A: a.url }, store });
    const answer = await delegate({ instances: ["A"] });
    expect(answer).toMatchObject({ reply: "done", result: "worth keeping" });
    expect(answer.warnings?.join()).toContain("The disk is full.");
    state.broken = () => false;
    const fanned = await fanout({ targets: ["A"], aggregate: "collect" });
    expect(fanned).toMatchObject({ counts: { done: 1 }, aggregate: { sources: ["A"] } });
    expect(fanned.warnings).toHaveLength(1);
  });

  it("makes a result that was not stored missing in a later aggregate, not null", async () => {
    const [a, b] = [await startServer(), await startServer()];
    a.play(done("a"));
    b.play(done("b"));
    const { store, state } = breakableStore();
    state.broken = (key) => key.startsWith("result/") && key.endsWith("/0");
    const { fanout, aggregate } = testEngine({ fleet: { A: a.url, B: b.url }, store });
    const { runId, warnings } = await fanout({ targets: ["A", "B"] });
    expect(warnings).toHaveLength(1);
    expect(await aggregate({ runId, strategy: "first" })).toMatchObject({
      value: "b",
      sources: ["B"],
      missing: [{ instance: "A" }],
    });
  });
});

it("work that is done is not disturbed by whoever watches its progress", async () => {
  const a = await startServer();
  a.play(respond({ body: { reply: "done", result: 1 } }));
  const { delegate } = testEngine({ fleet: { A: a.url } });
  const onProgress = () => {
    throw new Error("the client has gone");
  };
  expect(await delegate({ instances: ["A"] }, { onProgress })).toMatchObject({ result: 1 });
});

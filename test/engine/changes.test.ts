import { describe, expect, it, vi } from "vitest";
import type { EngineChange } from "../../src/core/changes.ts";
import type { Viewer } from "../../src/core/context.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { handWorker, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { processes, sqliteAt, stateFile, testEngine } from "./harness.ts";
import { startWorker } from "./orchestrate/harness.ts";

const PATIENT = 10_000;

function watching(engine: Engine, viewer?: Viewer): { seen: EngineChange[]; stop: () => void } {
  const seen: EngineChange[] = [];
  return { seen, stop: engine.watch((change) => seen.push(change), viewer) };
}

const about = (seen: EngineChange[], kind: EngineChange["kind"]) =>
  seen.filter((change) => change.kind === kind);

describe("who watches an engine", () => {
  it("is told of a run that is new, of each outcome that ends once, and of its end", async () => {
    const worker = handWorker();
    const host = await startHost({ worker });
    const fleet = { A: host.origin, B: host.origin };
    const { engine, fanout } = testEngine({ fleet });
    const { seen, stop } = watching(engine);
    const answer = fanout({ targets: ["A", "B"], payload: 1 });
    await expect.poll(() => worker.tasks.length).toBe(2);
    worker.tasks[0]?.finish("first");
    await expect
      .poll(() => about(seen, "run").flatMap((change) => (change as { ended: string[] }).ended))
      .toHaveLength(1);
    worker.tasks[1]?.finish("second");
    const { runId } = await answer;
    await expect
      .poll(() =>
        about(seen, "run")
          .flatMap((change) => (change as { ended: string[] }).ended)
          .sort(),
      )
      .toEqual(["A", "B"]);
    expect(seen.filter((change) => "listed" in change && change.listed)).toEqual([
      { kind: "run", runId, ended: [], listed: true },
    ]);
    stop();
  });

  it("is told of a session that is opened, goes on and is closed; its runs are not listed", async () => {
    const host = await startWorker((payload) => payload);
    const { engine, spawn, send, closeSession } = testEngine({ fleet: { A: host.url } });
    const { seen, stop } = watching(engine);
    await spawn({ sessionId: "s", instance: "A" });
    await expect
      .poll(() => about(seen, "session"))
      .toContainEqual({ kind: "session", sessionId: "s", listed: true });
    seen.length = 0;
    await send({ sessionId: "s", data: 1 });
    await expect
      .poll(() => about(seen, "session"))
      .toContainEqual({ kind: "session", sessionId: "s", listed: false });
    expect(seen.some((change) => "listed" in change && change.listed)).toBe(false);
    await closeSession({ sessionId: "s" });
    await expect
      .poll(() => about(seen, "session"))
      .toContainEqual({ kind: "session", sessionId: "s", listed: true });
    stop();
    seen.length = 0;
    await spawn({ sessionId: "t", instance: "A" });
    expect(seen).toEqual([]);
  });

  it("is told of what other processes do", async () => {
    const host = await startWorker((payload) => payload);
    const file = await stateFile();
    const fleet = { A: host.url };
    const here = testEngine({ fleet, store: await sqliteAt(file), processes: processes("here") });
    const there = testEngine({ fleet, store: await sqliteAt(file), processes: processes("there") });
    const { seen, stop } = watching(here.engine);
    const { runId } = await there.delegate({ instances: ["A"], payload: 1 });
    await expect
      .poll(() => seen, { timeout: PATIENT })
      .toContainEqual({ kind: "run", runId, ended: ["A"], listed: expect.any(Boolean) });
    stop();
  });

  it("sees only what it may see", async () => {
    const host = await startWorker((payload) => payload);
    const { engine, delegate } = testEngine({ fleet: { A: host.url } });
    const mine = watching(engine, { only: "me" });
    const theirs = watching(engine, { only: "them" });
    await delegate({ instances: ["A"], payload: 1 }, { createdBy: "me" });
    await expect.poll(() => about(mine.seen, "run").length).toBeGreaterThan(0);
    expect(about(theirs.seen, "run")).toEqual([]);
    mine.stop();
    theirs.stop();
  });

  it("is told that a run is gone", async () => {
    const host = await startWorker((payload) => payload);
    const store = createMemoryStore({ clock: systemClock });
    const { engine, delegate } = testEngine({ fleet: { A: host.url }, store });
    const { runId } = await delegate({ instances: ["A"], payload: 1 });
    const { seen, stop } = watching(engine);
    await store.delete(`run/${runId}`);
    await expect.poll(() => seen).toContainEqual({ kind: "run", runId, ended: [], listed: true });
    stop();
  });

  it("is told when somebody joins the fleet, and when its health changes; nobody is asked for it", async () => {
    const host = await startWorker((payload) => payload);
    const { engine, configured } = testEngine({ fleet: { A: host.url } });
    expect(await engine.known()).toEqual([{ instance: "A", state: "unknown", protocol: "rest", tags: [] }]);
    const { seen, stop } = watching(engine);
    await engine.health({ detail: false });
    await vi.waitFor(() => expect(about(seen, "fleet")).toHaveLength(1), PATIENT);
    expect(await engine.known()).toMatchObject([{ instance: "A", state: "healthy" }]);
    const [first] = configured;
    configured.push({ ...(first as typeof first & object), name: "B", tags: ["new"] });
    await vi.waitFor(() => expect(about(seen, "fleet")).toHaveLength(2), PATIENT);
    expect(await engine.known()).toMatchObject([{ instance: "A" }, { instance: "B", tags: ["new"] }]);
    stop();
  });
});

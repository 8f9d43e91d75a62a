import { describe, expect, it } from "vitest";
import { OrchestratorClient } from "../../src/client/client.ts";
import { adminKey, hashKey } from "../../src/core/keys.ts";
import { clientOf, done, refusalOf, startFleet } from "./harness.ts";

describe("the client of a server", () => {
  it("delegates a task", async () => {
    const { url, finishAll } = await startFleet();
    finishAll();
    const answer = done(await clientOf(url).delegate({ instances: "A", payload: { n: 1 } }));
    expect(answer).toMatchObject({ instance: "A", delivery: "accepted", reply: "done", result: { from: 0 } });
    expect(answer.attempts).toHaveLength(1);
  });

  it("says who would be asked, and has nothing done", async () => {
    const { url, begun } = await startFleet(2);
    const client = clientOf(url);
    const signal = new AbortController().signal;
    const dryRun = true;
    expect(await client.delegate({ instances: ["A", "B"], dryRun }, { signal })).toMatchObject({
      dryRun,
      operation: "delegate",
      explanation: { order: ["A", "B"] },
    });
    expect(await client.fanout({ targets: "A-B", dryRun })).toMatchObject({ dryRun, operation: "fanout" });
    expect([begun(), (await client.runsList()).items]).toEqual([0, []]);
  });

  it("fans out, and combines as it is told", async () => {
    const { url, finishAll } = await startFleet(2);
    finishAll();
    const client = clientOf(url);
    const plain = done(await client.fanout({ targets: "A-B", aggregate: false }));
    expect(plain).toMatchObject({ complete: true, timedOut: false, counts: { total: 2, done: 2 } });
    expect(plain).not.toHaveProperty("aggregate");
    const collected = done(await client.fanout({ targets: "A-B", aggregate: true }));
    expect(collected.aggregate).toMatchObject({ strategy: "collect", sources: ["A", "B"], complete: true });
    const first = done(await client.fanout({ targets: "A-B", aggregate: "first" }));
    expect(first.aggregate?.strategy).toBe("first");
    expect(await client.aggregate({ runId: plain.runId, strategy: "concat" })).toMatchObject({
      strategy: "concat",
      runId: plain.runId,
    });
    const responses = [{ instance: "A", result: 1 }];
    expect((await client.aggregate({ responses, strategy: "collect" })).sources).toEqual(["A"]);
  });

  it("converses in a session", async () => {
    const { url, finishAll } = await startFleet();
    finishAll();
    const client = clientOf(url);
    expect(await client.sessionsSpawn({ sessionId: "s1" })).toEqual({ sessionId: "s1", instance: "A" });
    expect(await client.sessionsSend({ sessionId: "s1", data: "hello" })).toMatchObject({
      ...{ sessionId: "s1", instance: "A", seq: 1, reply: "done" },
      result: { from: 0 },
    });
    await client.sessionsSend({ sessionId: "s1", data: "again" });
    expect(await client.sessionsHistory({ sessionId: "s1", after: 1 })).toMatchObject({
      transcript: [{ seq: 2, data: "again" }],
    });
    expect((await client.sessionsList({ limit: 1 })).items).toMatchObject([
      { sessionId: "s1", state: "open" },
    ]);
    expect(await client.sessionsClose({ sessionId: "s1" })).toMatchObject({ state: "closed", messages: 2 });
    expect((await refusalOf(client.sessionsClose({ sessionId: "s1" }))).code).toBe("session_not_found");
  });

  it("tells the health of instances as the engine does, their past only with detail", async () => {
    const { url, engine } = await startFleet(2);
    const client = clientOf(url);
    const [a, b, x] = await client.health({ instances: ["A-B", "X"] });
    const own = await engine.health(["A-B", "X"]);
    expect([a, b, x].map((each) => Object.keys(each ?? {}).sort())).toEqual(
      own.map((each) => Object.keys(each).sort()),
    );
    expect([a, b, x]).toMatchObject([
      { instance: "A", state: "healthy" },
      { instance: "B" },
      { state: "unknown" },
    ]);
    expect((await client.health({ instances: "A", detail: true }))[0]).toHaveProperty("transitions");
    expect((await client.health()).map(({ instance }) => instance)).toEqual(["A", "B"]);
  });

  it("lists runs, shows one in pages, and cancels one", async () => {
    const { url, workers } = await startFleet();
    const client = clientOf(url);
    const { runId } = done(await client.delegate({ instances: "A", payload: 1, wait: 0 }));
    expect(await client.runsGet({ runId })).toMatchObject({ runId, state: "open" });
    const waiting = client.runsGet({ runId, wait: "10s" });
    await expect.poll(() => workers[0]?.tasks.length).toBe(1);
    workers[0]?.tasks[0]?.finish("what it came to");
    expect(await waiting).toMatchObject({ state: "ended", counts: { done: 1 } });
    expect(await client.runsGet({ runId, instance: "A", offset: 5 })).toMatchObject({
      ...{ runId, instance: "A", reply: "done" },
      ...{ offset: 5, text: "it came to", totalChars: 15 },
    });
    const other = done(await client.delegate({ instances: "A", payload: 1, wait: 0 }));
    expect(await client.runsCancel({ runId: other.runId })).toMatchObject({ counts: { cancelled: 1 } });
    const page = await client.runsList({ limit: 1 });
    expect(page).toMatchObject({ items: [{ runId: other.runId }], next: other.runId });
    expect((await client.runsList({ limit: 1, after: page.next })).items).toMatchObject([{ runId }]);
  });

  it("waits for a run over several requests", async () => {
    const { url, workers } = await startFleet();
    const client = clientOf(url, { longestWaitMs: 60 });
    const { runId } = done(await client.delegate({ instances: "A", payload: 1, wait: 0 }));
    const waiting = client.runsGet({ runId, wait: "10s", instance: "A" });
    await expect.poll(() => workers[0]?.tasks.length).toBe(1);
    setTimeout(() => workers[0]?.tasks[0]?.finish("late"), 300);
    expect(await waiting).toMatchObject({ reply: "done", text: "late" });
  });

  it("answers at any path and with a slash or without one", async () => {
    const { url } = await startFleet();
    expect(await clientOf(`${url}/`).runsList()).toEqual({ items: [] });
    const { message } = await refusalOf(clientOf(`${url}/elsewhere`).runsList());
    expect(message).toContain("/elsewhere/api/orchestrator/runs");
  });

  it("passes on what the server refuses, in the server's words", async () => {
    const { url, begun } = await startFleet();
    const client = clientOf(url);
    expect(await refusalOf(client.delegate({ instances: "Z" }))).toMatchObject({
      ...{ code: "unknown_instance", delivery: "not_sent" },
      message: expect.stringContaining("Z"),
    });
    expect(await refusalOf(client.delegate({ instances: "A", wait: "soon" }))).toMatchObject({
      code: "bad_request",
      message: expect.stringContaining("wait"),
    });
    expect((await refusalOf(client.fanout({ minReplies: 0, wait: "5m" }))).message).toContain("minReplies");
    expect((await refusalOf(client.runsGet({ runId: "none" }))).code).toBe("run_not_found");
    expect((await refusalOf(client.runsGet({ runId: "none", wait: "5m" }))).code).toBe("run_not_found");
    expect(begun()).toBe(0);
  });

  it("refuses by itself what cannot be sent", async () => {
    const { url } = await startFleet();
    const client = clientOf(url);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (const payload of [circle, 1n]) {
      const { code, delivery } = await refusalOf(client.delegate({ instances: "A", payload }));
      expect([code, delivery]).toEqual(["bad_request", "not_sent"]);
    }
    for (const call of [client.runsGet({ runId: "" }), client.sessionsClose({ sessionId: "" })]) {
      expect((await refusalOf(call)).code).toBe("bad_request");
    }
    const bad = await refusalOf(clientOf(url, { apiKey: "two\r\nlines" }).runsList());
    expect([bad.code, bad.message.includes("two")]).toEqual(["bad_request", false]);
    for (const wrong of ["", "localhost:7411", "ftp://a", "http://user:secret@127.0.0.1:1"]) {
      expect(() => new OrchestratorClient({ url: wrong })).toThrow("url");
    }
  });

  it("says that it is closed", async () => {
    const { url } = await startFleet();
    const client = clientOf(url);
    const open = refusalOf(client.runsGet({ runId: "x", wait: 5 }));
    await client.runsList();
    const { runId } = done(await client.delegate({ instances: "A", payload: 1, wait: 0 }));
    const waiting = refusalOf(client.runsGet({ runId, wait: "20s" }));
    const events = client.runsEvents({ runId })[Symbol.asyncIterator]();
    const next = refusalOf(events.next());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.close();
    for (const refusal of [await waiting, await next, await refusalOf(client.runsList())]) {
      expect([refusal.code, refusal.message]).toEqual(["cancelled", expect.stringContaining("closed")]);
    }
    expect((await open).code).toBe("run_not_found");
    await client.close();
  });
});

describe("the client's credentials", () => {
  const keys = () => [adminKey("root"), { name: "ci", hash: hashKey("ci-key"), scopes: ["send" as const] }];

  it("are its key", async () => {
    const { url, finishAll } = await startFleet(1, { keys });
    finishAll();
    expect((await refusalOf(clientOf(url).runsList())).code).toBe("unauthorized");
    expect((await refusalOf(clientOf(url, { apiKey: "wrong" }).delegate({ instances: "A" }))).code).toBe(
      "unauthorized",
    );
    expect(await clientOf(url, { apiKey: "ci-key" }).delegate({ instances: "A" })).toMatchObject({
      reply: "done",
    });
  });

  it("are a session's token in its place, for that session alone", async () => {
    const { url, finishAll } = await startFleet(1, { keys });
    finishAll();
    const root = clientOf(url, { apiKey: "root" });
    const { token } = await root.sessionsSpawn({ sessionId: "s1", withToken: true });
    await root.sessionsSpawn({ sessionId: "s2" });
    expect(token).toMatch(/^ost_/);
    for (const client of [clientOf(url), clientOf(url, { apiKey: "ci-key" })]) {
      expect(await client.sessionsSend({ sessionId: "s1", data: 1, token })).toMatchObject({ reply: "done" });
      expect((await client.sessionsHistory({ sessionId: "s1", token })).transcript.length).toBeGreaterThan(0);
      expect((await refusalOf(client.sessionsSend({ sessionId: "s2", token }))).code).toBe("forbidden");
    }
    expect(await clientOf(url).sessionsClose({ sessionId: "s1", token })).toMatchObject({ state: "closed" });
  });
});

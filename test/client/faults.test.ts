import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fault } from "../support/fault-server.ts";
import { flood, gibberish, hang, hangUp, refuse, reset, respond } from "../support/faults.ts";
import { clientOf, done, refusalOf, startFaults, startFleet } from "./harness.ts";
import { cutAnswer, leave, loseAnswer, pass } from "./proxy.ts";

const PAGE = { headers: { "content-type": "text/html" }, body: "<h1>Bad Gateway</h1>" };
const call = { instances: "A", payload: 1 };

/** The real server behind a proxy that does to each request what it is told. */
async function startProxied() {
  const fleet = await startFleet();
  const proxy = await startFaults();
  return { ...fleet, origin: fleet.url, url: proxy.url, proxy };
}

describe("work that is asked for over a bad connection", () => {
  it.each<[string, (origin: string) => Fault]>([
    ["the connection is reset before anything of it arrives", () => reset],
    ["the connection is closed in good order", () => hangUp],
    ["it is left while the work is done", leave],
    ["the answer is lost", loseAnswer],
    ["the answer is cut", cutAnswer],
    ["a proxy answers for it", () => respond({ status: 502, ...PAGE })],
    ["a proxy gives up", () => respond({ status: 504, ...PAGE })],
    ["the answer is no HTTP", () => gibberish("what?\r\n\r\n")],
    [
      "the answer is JSON cut short",
      () => respond({ headers: { "content-type": "application/json" }, body: '{"runId":' }),
    ],
    ["the server is leaving", () => refuse(503, { code: "draining", delivery: "not_sent", retryable: true })],
    [
      "it comes too often",
      () => refuse(429, { code: "rate_limited", retryable: true }, { "retry-after": "0" }),
    ],
  ])("is done once where %s", async (_, fault) => {
    const { proxy, url, origin, begun, finishAll } = await startProxied();
    finishAll();
    proxy.play(fault(origin), fault(origin), pass(origin));
    const answer = done(await clientOf(url).delegate(call));
    expect(answer).toMatchObject({ reply: "done", result: { from: 0 } });
    const keys = proxy.requests.map(({ body }) => JSON.parse(body).idempotencyKey);
    expect([keys.length, new Set(keys).size, begun()]).toEqual([3, 1, 1]);
  });

  it("is done once, or not at all and nobody says it was, whatever happens", async () => {
    const { proxy, url, origin, begun, finishAll } = await startProxied();
    finishAll();
    const faults = { reset, hangUp, leave: leave(origin), lose: loseAnswer(origin), cut: cutAnswer(origin) };
    const page = respond({ status: 502, ...PAGE });
    const script = fc.array(fc.constantFrom(...Object.values(faults), page), { maxLength: 8 });
    const operation = fc.constantFrom("delegate", "fanout", "send", "watched", "long");
    const client = clientOf(url, { longestWaitMs: 50 });
    proxy.play(pass(origin));
    await client.sessionsSpawn({ sessionId: "s" });
    await fc.assert(
      fc.asyncProperty(script, operation, async (faulty, which) => {
        const before = begun();
        proxy.play(...faulty, pass(origin));
        const onProgress = () => {};
        const attempt = {
          delegate: () => client.delegate(call),
          fanout: () => client.fanout({ targets: "A", payload: 1 }),
          send: () => client.sessionsSend({ sessionId: "s", data: 1 }),
          watched: () => client.delegate(call, { onProgress }),
          long: () => client.delegate({ ...call, wait: "5s" }),
        }[which]();
        const outcome = await attempt.then(
          () => "answered",
          ({ delivery }: { delivery: string }) => delivery,
        );
        // A call that gave up may have left work behind that is about to begin.
        proxy.play(pass(origin));
        const { items } = await client.runsList({ limit: 1 });
        if (items[0]) await client.runsGet({ runId: items[0].runId, wait: "5s" });
        expect(["answered", "unknown"]).toContain(outcome);
        expect(begun() - before).toBeLessThanOrEqual(1);
        if (outcome === "answered") expect(begun() - before).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  it("is not asked for twice where there is no key to tell that by", async () => {
    const { proxy, url, origin, engine } = await startProxied();
    const client = clientOf(url);
    proxy.play(loseAnswer(origin), pass(origin));
    const spawning = await refusalOf(client.sessionsSpawn({ sessionId: "s1" }));
    expect(spawning).toMatchObject({ code: "instance_down", delivery: "unknown", retryable: false });
    expect(spawning.action).toContain("list the sessions");
    expect([proxy.requests.length, (await engine.sessions()).items.length]).toEqual([1, 1]);
    proxy.play(loseAnswer(origin), pass(origin));
    expect((await refusalOf(client.sessionsClose({ sessionId: "s1" }))).delivery).toBe("unknown");
    expect(proxy.requests.length).toBe(2);
  });

  it("may be asked for again by the caller, under the key that the error names", async () => {
    const { proxy, url, origin, begun, finishAll } = await startProxied();
    finishAll();
    proxy.play(loseAnswer(origin));
    const client = clientOf(url);
    const refusal = await refusalOf(client.delegate(call));
    expect(refusal).toMatchObject({
      code: "instance_down",
      delivery: "unknown",
      retryable: false,
      status: 502,
    });
    const idempotencyKey = String(refusal.details?.idempotencyKey);
    expect(refusal.action).toContain(idempotencyKey);
    expect(proxy.requests.length).toBe(6);
    proxy.play(pass(origin));
    expect(await client.delegate({ ...call, idempotencyKey })).toMatchObject({ reply: "done" });
    expect(begun()).toBe(1);
  });

  it("is cancelled once it may have arrived, and only then", async () => {
    const { proxy, url, origin, begun } = await startProxied();
    const controller = new AbortController();
    proxy.play(leave(origin), leave(origin), pass(origin));
    const answer = refusalOf(clientOf(url).delegate(call, { signal: controller.signal }));
    await expect.poll(() => proxy.requests.length).toBeGreaterThan(0);
    controller.abort();
    expect(await answer).toMatchObject({ code: "cancelled", runId: expect.any(String) });
    expect(begun()).toBeLessThanOrEqual(1);
    const { items } = await clientOf(origin).runsList();
    expect(items.map(({ state }) => state)).toEqual(["ended"]);
  });

  it("is of unknown delivery once an answer is lost, whatever follows", async () => {
    const server = await startFaults();
    const client = clientOf(server.url);
    server.play(reset, (socket) => {
      socket.resetAndDestroy();
      void server.down();
    });
    const refusal = await refusalOf(client.delegate(call));
    expect(refusal).toMatchObject({ code: "instance_down", delivery: "unknown", retryable: false });
    expect(refusal.message).toContain("cannot be reached");
    await server.up();
    server.play(reset, refuse(401, { code: "unauthorized", delivery: "not_sent" }));
    expect(await refusalOf(client.delegate(call))).toMatchObject({
      code: "unauthorized",
      delivery: "unknown",
    });
  });

  it("is of unknown delivery once its run is known, whatever follows", async () => {
    const server = await startFaults();
    server.play(respond({ status: 202, body: { runId: "r1", reply: "pending" } }), (socket) => {
      socket.resetAndDestroy();
      void server.down();
    });
    const refusal = await refusalOf(
      clientOf(server.url, { longestWaitMs: 20 }).delegate({ ...call, wait: "5s" }),
    );
    expect(refusal).toMatchObject({ code: "instance_down", delivery: "unknown", runId: "r1" });
    await server.up();
  });
});

describe("a server that cannot be reached", () => {
  it("has been sent nothing, and is tried again", async () => {
    const server = await startFaults();
    await server.down();
    const client = clientOf(server.url);
    const refusal = await refusalOf(client.delegate(call));
    expect(refusal).toMatchObject({
      ...{ code: "instance_down", delivery: "not_sent", retryable: true, status: 503 },
      details: { server: server.url },
    });
    expect(refusal.message).toContain(server.url);
    expect(refusal.action).toContain("orchestrator serve");
    const reading = await refusalOf(client.runsList());
    expect([reading.code, reading.delivery, reading.retryable]).toEqual(["instance_down", undefined, true]);
    const patient = clientOf(server.url, { random: () => 0.5 }).runsList();
    server.play(respond({ body: { items: [] } }));
    await server.up();
    expect(await patient).toEqual({ items: [] });
  });

  it("may be the wrong name", async () => {
    const { message } = await refusalOf(clientOf("http://no-such-host.invalid").runsList());
    expect(message).toMatch(/^The server at http:\/\/no-such-host\.invalid\/? cannot be reached: /);
  });

  it("may be one that never answers", async () => {
    const server = await startFaults();
    server.play(hang);
    const client = clientOf(server.url, { timeoutMs: 50, longestWaitMs: 50 });
    const refusal = await refusalOf(client.sessionsSpawn({ sessionId: "s" }));
    expect(refusal).toMatchObject({ code: "timeout", delivery: "unknown", retryable: false });
    expect(refusal.message).toContain("did not answer within 0.05 s");
    server.play(hang, respond({ body: { runId: "r", reply: "done" } }));
    expect(await client.delegate(call)).toMatchObject({ runId: "r" });
    const keys = server.requests.slice(1).map(({ body }) => JSON.parse(body).idempotencyKey);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
  });
});

describe("an answer that is none of ours", () => {
  const html = respond({ status: 200, ...PAGE });
  it.each<[string, Fault, string]>([
    ["a page", html, "instance_error"],
    ["a page that was not found", respond({ status: 404, ...PAGE }), "instance_error"],
    ["a redirect", respond({ status: 302, headers: { location: "/login" } }), "instance_error"],
    ["a proxy's own 401", respond({ status: 401, ...PAGE }), "unauthorized"],
    ["a proxy's own 403", respond({ status: 403, body: { message: "no" } }), "forbidden"],
    ["a proxy's own 413", respond({ status: 413, ...PAGE }), "payload_too_large"],
    ["another program's JSON", respond({ body: { status: "ok" } }), "instance_error"],
    ["an array", respond({ body: [] }), "instance_error"],
    ["another program's error", respond({ status: 500, body: { error: "broken" } }), "instance_error"],
  ])("%s is said to be that", async (_, fault, code) => {
    const server = await startFaults();
    server.play(fault);
    const client = clientOf(server.url);
    const refusal = await refusalOf(client.delegate(call));
    expect(refusal).toMatchObject({
      code,
      delivery: "unknown",
      retryable: false,
      details: { server: server.url },
    });
    expect(refusal.message).toContain(
      "is no orchestrator server: it answered POST /api/orchestrator/route with",
    );
    expect(server.requests.length).toBe(1);
    for (const reading of [client.runsList(), client.health(), client.runsGet({ runId: "r" })]) {
      expect(await refusalOf(reading)).toMatchObject({ code, delivery: undefined });
    }
  });

  it("is not kept where a newer server has a code of its own", async () => {
    const server = await startFaults();
    server.play(refuse(418, { code: "teapot", message: "Short and stout.", delivery: "not_sent" }));
    expect(await refusalOf(clientOf(server.url).delegate(call))).toMatchObject({
      ...{ code: "internal", message: "Short and stout.", delivery: "not_sent", details: { code: "teapot" } },
    });
  });

  it("is not read beyond the limit", async () => {
    const server = await startFaults();
    server.play(flood(10 * 1024 * 1024));
    const refusal = await refusalOf(clientOf(server.url, { bodyLimit: 1024 * 1024 }).delegate(call));
    expect(refusal).toMatchObject({ code: "payload_too_large", delivery: "unknown" });
    expect([refusal.message, refusal.action]).toEqual([
      expect.stringContaining("larger than 1048576 bytes"),
      expect.stringContaining("bodyLimit"),
    ]);
    expect(server.requests.length).toBe(1);
    const headers = { "orchestrator-run-id": "r7" };
    server.play(respond({ headers, body: { runId: "r7", result: "x".repeat(2_000) } }));
    const known = await refusalOf(clientOf(server.url, { bodyLimit: 1_000 }).delegate(call));
    expect([known.runId, known.action]).toEqual(["r7", expect.stringContaining("r7")]);
  });

  it("is not asked for again where Retry-After is far off, or the refusal is a run's", async () => {
    const server = await startFaults();
    const client = clientOf(server.url);
    server.play(refuse(429, { code: "rate_limited", retryable: true }, { "retry-after": "60" }));
    expect((await refusalOf(client.delegate(call))).code).toBe("rate_limited");
    server.play(
      refuse(503, { code: "overloaded", retryable: true, runId: "r1", instance: "A", delivery: "not_sent" }),
    );
    expect((await refusalOf(client.delegate(call))).code).toBe("overloaded");
    server.play(refuse(503, { code: "instance_down", retryable: true, delivery: "not_sent" }));
    expect((await refusalOf(client.delegate(call))).code).toBe("instance_down");
    expect(server.requests.length).toBe(3);
  });
});

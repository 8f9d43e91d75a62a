import { describe, expect, it } from "vitest";
import { type AcceptedKey, adminKey, hashKey, type Scope } from "../../src/core/keys.ts";
import { testEngine } from "../engine/harness.ts";
import { echoWorker, onEnd, startHost } from "../host/harness.ts";
import { httpClient } from "../support/http.ts";
import { startServer } from "./harness.ts";

const key = (name: string, scopes: Scope[], more: Partial<AcceptedKey> = {}): AcceptedKey => ({
  name,
  hash: hashKey(name),
  scopes,
  ...more,
});

async function setUp({ perMinute = 0, origins = [] as string[] } = {}) {
  const host = await startHost({ worker: echoWorker() });
  const { engine } = testEngine({ fleet: { A: host.origin } });
  const keys = [
    adminKey("root"),
    key("reader", ["read"]),
    key("ci", ["send"]),
    key("other", ["send"]),
    key("member", ["register"]),
    key("slow", ["send"], { requestsPerMinute: 2 }),
  ];
  const served = await startServer({
    engine,
    keys: () => keys,
    requestsPerMinute: () => perMinute,
    allowedOrigins: () => origins,
  });
  onEnd(() => served.close());
  const client = httpClient();
  onEnd(() => client.close());
  return (
    as: string,
    method: "GET" | "POST" | "DELETE" | "OPTIONS",
    path: string,
    body?: unknown,
    headers = {},
  ) =>
    client.call(method, served.origin + path, {
      ...(body !== undefined && { body }),
      headers: { ...(as !== "" && { authorization: `Bearer ${as}` }), ...headers },
    });
}

const WORK = { instances: ["A"], payload: 1 };
const TOLD = {
  responses: [
    { instance: "A", result: 1 },
    { instance: "B", result: 2 },
  ],
};
const REDUCED = { strategy: "reduce", instance: "A", instruction: "x" };
const MEMBER = { instanceId: "Z", url: "http://127.0.0.1:9/" };

describe("a key's scopes", () => {
  it.each([
    ["reader", "GET", "/orchestrator/health", undefined, 200],
    ["reader", "POST", "/orchestrator/route", WORK, 403],
    ["reader", "POST", "/api/cluster/register", MEMBER, 403],
    ["reader", "POST", "/orchestrator/aggregate", { ...TOLD, strategy: "merge" }, 200],
    ["reader", "POST", "/orchestrator/aggregate", { ...TOLD, ...REDUCED }, 403],
    ["reader", "POST", "/orchestrator/aggregate", { ...TOLD, strategy: "judge", instance: "A" }, 403],
    ["ci", "POST", "/orchestrator/aggregate", { ...TOLD, ...REDUCED }, 200],
    ["ci", "POST", "/orchestrator/route", WORK, 200],
    ["ci", "GET", "/orchestrator/runs", undefined, 200],
    ["ci", "POST", "/api/cluster/register", MEMBER, 403],
    ["member", "POST", "/api/cluster/register", MEMBER, 200],
    ["member", "GET", "/orchestrator/runs", undefined, 403],
    ["root", "POST", "/api/cluster/register", MEMBER, 200],
    ["root", "POST", "/orchestrator/route", WORK, 200],
    ["", "GET", "/openapi.json", undefined, 200],
    ["", "GET", "/api/health/check", undefined, 200],
    ["", "GET", "/orchestrator/health", undefined, 401],
    ["wrong", "GET", "/openapi.json", undefined, 401],
  ] as const)("let %s %s %s through or not", async (as, method, path, body, status) => {
    const call = await setUp();
    const answer = await call(as, method, path, body);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.error.message).toContain(`"${as}" has the scope`);
  });
});

describe("a key that is not admin", () => {
  it("sees its own runs and sessions, and nothing of those of others", async () => {
    const call = await setUp();
    const mine = (await call("ci", "POST", "/orchestrator/route", WORK)).body.runId;
    const theirs = (await call("other", "POST", "/orchestrator/route", WORK)).body.runId;
    await call("ci", "POST", "/orchestrator/sessions/spawn", { sessionId: "mine" });
    await call("other", "POST", "/orchestrator/sessions/spawn", { sessionId: "theirs" });
    const listed = async (as: string, what: string) =>
      (await call(as, "GET", `/orchestrator/${what}`)).body.items.map(
        ({ runId, sessionId }: { runId?: string; sessionId?: string }) => runId ?? sessionId,
      );
    expect(await listed("ci", "runs")).toEqual([mine]);
    expect(await listed("ci", "runs?limit=1")).toEqual([mine]);
    expect(await listed("ci", "sessions")).toEqual(["mine"]);
    expect(await listed("reader", "runs")).toEqual([]);
    expect((await listed("root", "runs")).sort()).toEqual([mine, theirs].sort());
    expect(await listed("root", "sessions")).toEqual(["mine", "theirs"]);
    const asked = (run: string, session: string) =>
      [
        ["GET", `runs/${run}`],
        ["DELETE", `runs/${run}`],
        ["GET", `runs/${run}/events`],
        ["POST", "aggregate", { runId: run, strategy: "collect" }],
        ["GET", `sessions/${session}`],
        ["DELETE", `sessions/${session}`],
        ["POST", "sessions/send", { sessionId: session, data: 1 }],
      ] as const;
    const answers = (run: string, session: string) =>
      Promise.all(
        asked(run, session).map(async ([method, path, body]) => {
          const answer = await call("ci", method, `/orchestrator/${path}`, body);
          return [answer.status, answer.body.error.code];
        }),
      );
    // As if there were no such thing.
    expect(await answers(theirs, "theirs")).toEqual(await answers("run-x", "x"));
    expect((await answers(theirs, "theirs")).map(([status]) => status)).toEqual(Array(7).fill(404));
    expect((await call("root", "GET", `/orchestrator/runs/${theirs}`)).body).toMatchObject({
      createdBy: "rest:other",
    });
  });
});

describe("a session's token", () => {
  it("sends to, reads and closes that one session, and opens nothing else", async () => {
    const call = await setUp();
    const { token } = (await call("ci", "POST", "/orchestrator/sessions/spawn", { sessionId: "s" })).body;
    await call("ci", "POST", "/orchestrator/sessions/spawn", { sessionId: "t" });
    expect(
      (await call(token, "POST", "/orchestrator/sessions/send", { sessionId: "s", data: 1 })).body.result,
    ).toBe(1);
    expect((await call(token, "GET", "/orchestrator/sessions/s")).body.messages).toBe(1);
    expect(await call(token, "GET", "/orchestrator/sessions/t")).toMatchObject({
      status: 403,
      body: { error: { code: "forbidden" } },
    });
    expect((await call(token, "POST", "/orchestrator/route", WORK)).status).toBe(401);
    expect((await call(token, "GET", "/orchestrator/sessions")).status).toBe(401);
    expect(
      (await call("other", "POST", "/orchestrator/sessions/send", { sessionId: "s", data: 2, token })).body
        .seq,
    ).toBe(2);
    expect((await call(token, "DELETE", "/orchestrator/sessions/s")).body.state).toBe("closed");
  });
});

describe("a key's limit", () => {
  it("is its own or the server's, and says when to call again", async () => {
    const call = await setUp({ perMinute: 4 });
    const statuses = async (as: string) => {
      const found: number[] = [];
      for (let n = 0; n < 5; n++) found.push((await call(as, "GET", "/orchestrator/runs")).status);
      return found;
    };
    expect(await statuses("slow")).toEqual([200, 200, 429, 429, 429]);
    expect(await statuses("ci")).toEqual([200, 200, 200, 200, 429]);
    const { body, headers } = await call("slow", "GET", "/orchestrator/runs");
    expect(body.error).toMatchObject({ code: "rate_limited", delivery: "not_sent", retryable: true });
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect((await call("other", "GET", "/orchestrator/runs")).status).toBe(200);
  });
});

describe("pages of another origin", () => {
  const origin = "https://app.example";
  const preflight = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };

  it("are kept out unless they are let in", async () => {
    const call = await setUp();
    expect((await call("ci", "GET", "/orchestrator/runs", undefined, { origin })).status).toBe(403);
    const asked = await call("", "OPTIONS", "/orchestrator/route", undefined, preflight);
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
  });

  it("may call where the configuration lets them in, with a key all the same", async () => {
    const call = await setUp({ origins: [origin] });
    const asked = await call("", "OPTIONS", "/orchestrator/route", undefined, preflight);
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([204, origin]);
    expect((await call("ci", "GET", "/orchestrator/runs", undefined, { origin })).headers).toMatchObject({
      "access-control-allow-origin": origin,
    });
    expect((await call("", "GET", "/orchestrator/runs", undefined, { origin })).status).toBe(401);
  });
});

import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { systemIds } from "../../src/app/system.ts";
import { fleetCredential } from "../../src/core/fleet-key.ts";
import { type AcceptedKey, adminKey, hashKey } from "../../src/core/keys.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { testEngine } from "../engine/harness.ts";
import { echoWorker, onEnd, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { closedPort, startServer as startFaultServer } from "../instances/harness.ts";
import type { Fault } from "../support/fault-server.ts";
import { reset, respond } from "../support/faults.ts";
import type { Reply } from "../support/http.ts";
import { type LogLine, recordingLogger } from "../support/logger.ts";
import { startServer } from "./harness.ts";
import { head, post, sendRaw } from "./support/raw.ts";
import { refusalIn } from "./support/refusal.ts";
import { caller, type Options } from "./support/site.ts";

const ADMIN = "sk-admin-3f9c";
const SCOPED = "sk-scoped-77ab";
const INSTANCE = "sk-instance-51de";
const FLEET = "sk-fleet-c0de";
const PAYLOAD = "hush-payload-9b1e";

const quoting =
  (status: number): Fault =>
  (socket, request) => {
    const { authorization } = request.headers;
    respond({ status, body: { error: { code: "bad_request", message: `no: ${authorization}` } } })(
      socket,
      request,
    );
  };

/** Instances of every temper, each called with a key of its own. */
async function startFleet(logger: ReturnType<typeof recordingLogger>) {
  const keyed = await startHost({ worker: echoWorker(), keys: () => [INSTANCE] });
  const failing = { ...echoWorker(), run: () => Promise.reject(new Error("it cannot be done")) };
  const broken = await startHost({ worker: failing, keys: () => [INSTANCE] });
  const derived: string[] = [];
  const listed = await startHost({ worker: echoWorker(), keys: () => derived });
  derived.push(fleetCredential(FLEET, "LISTED", listed.origin));
  const faulty = async (fault: Fault) => {
    const server = await startFaultServer();
    server.play(fault);
    return server.url;
  };
  const env = { from: "env", name: "KEY" } as const;
  const urls = {
    KEYED: keyed.origin,
    BROKEN: broken.origin,
    REFUSING: await faulty(quoting(401)),
    QUOTING: await faulty(quoting(500)),
    CHATTY: await faulty((socket, request) =>
      respond({ body: `<p>your key is ${request.headers.authorization}` })(socket, request),
    ),
    RESETTING: await faulty(reset),
    DEAD: `http://127.0.0.1:${await closedPort()}`,
  };
  const fleet = {
    ...Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url, credential: env }])),
    LISTED: { url: listed.origin, credential: { from: "fleet" } as const },
    WRONG: { url: listed.origin, credential: env },
  };
  const clients = createInstanceClients({
    ...{ clock: systemClock, logger },
    env: { KEY: INSTANCE },
    fleetKey: () => FLEET,
  });
  const loggers = [keyed.logger, broken.logger, listed.logger];
  return { fleet, clients, derived: derived[0] as string, loggers };
}

async function setUp() {
  const logger = recordingLogger();
  const { fleet, clients, derived, loggers } = await startFleet(logger);
  const settings = { retries: 1, waitMs: 2_000, timeoutMs: 2_000 };
  const engine = testEngine({ fleet, clients, ids: systemIds, settings });
  const keys: AcceptedKey[] = [
    adminKey(ADMIN),
    { name: "ci", hash: hashKey(SCOPED), scopes: ["send"] },
    { name: "reader", hash: hashKey("sk-reader"), scopes: ["read"] },
  ];
  // A mistake of ours, as there is none yet.
  const failing = { ...engine.engine, runsList: () => Promise.reject(new TypeError("a mistake")) };
  const served = await startServer({ engine: failing, logger, keys: () => keys });
  onEnd(() => served.close());
  const replies: { title: string; reply: Reply }[] = [];
  const send = caller(served.origin);
  const call = async (as: string, method: "GET" | "POST" | "DELETE", path: string, options?: Options) => {
    const reply = await send(as, method, `/orchestrator/${path}`, options);
    replies.push({ title: `${method} ${path} as ${as}`, reply });
    return reply;
  };
  const raw = async (...bytes: string[]) => {
    for (const reply of await sendRaw(served.origin, ...bytes)) replies.push({ title: "raw", reply });
  };
  const names = Object.keys(fleet);
  const logged = () => asWritten([logger, engine.logger, ...loggers].flatMap(({ lines }) => lines));
  return { served, call, raw, replies, names, logged, derived, store: engine.store, logger };
}

/** Log lines as a process writes them, errors with their stacks and causes. */
function asWritten(lines: readonly LogLine[]): string[] {
  const written: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => written.push(line) });
  for (const { level, facts, message } of lines) log[level](facts, message);
  return written;
}

type Site = Awaited<ReturnType<typeof setUp>>;

/** Work of every kind, and every way that it fails; the token of its session. */
async function work({ call, names }: Site): Promise<string> {
  const secret = { text: PAYLOAD, deep: [{ [PAYLOAD]: PAYLOAD }] };
  for (const name of names) {
    await call(SCOPED, "POST", "route", { body: { instances: [name], payload: secret } });
    // What refused its key once is not asked again.
    await call(SCOPED, "POST", "route", { body: { instances: [name], payload: PAYLOAD, fallback: "any" } });
    await call(SCOPED, "POST", "sessions/spawn", { body: { sessionId: `at-${name}`, instance: name } });
  }
  for (const aggregate of [true, "merge", { strategy: "rank-fusion" }])
    await call(ADMIN, "POST", "fanout", { body: { targets: names, payload: secret, aggregate } });
  const { body } = await call(ADMIN, "POST", "sessions/spawn", {
    body: { sessionId: "s", instance: "KEYED" },
  });
  const token = String(body.token);
  for (const as of [token, SCOPED, ADMIN])
    await call(as, "POST", "sessions/send", { body: { sessionId: "s", data: secret, token } });
  await call(token, "GET", "sessions/s");
  await call(token, "GET", `sessions/at-KEYED?token=${token}`);
  await call(ADMIN, "GET", `sessions/s?token=ost_${PAYLOAD}`);
  await call(SCOPED, "GET", "health?detail=true");
  const { items = [] } = (await call(ADMIN, "GET", "sessions")).body;
  expect(items).not.toEqual([]);
  return token;
}

/** Requests that are refused, with secrets wherever one may be put. */
async function misuse({ call, raw, served, logger }: Site, token: string): Promise<void> {
  for (const as of ["", `${ADMIN}x`, "sk-reader", token]) {
    await call(as, "POST", "route", { body: { instances: ["KEYED"], payload: PAYLOAD } });
    await call(as, "GET", "runs/none/events");
  }
  const bodies = [
    `{"payload":"${PAYLOAD}"`,
    `{"payload":"${PAYLOAD}","instances":[]}`,
    `{"payload":{"__proto__":"${PAYLOAD}"}}`,
    `"${PAYLOAD}"`,
    `{"payload":${"[".repeat(300)}"${PAYLOAD}"${"]".repeat(300)}}`,
    `{"instances":["nobody"],"payload":"${PAYLOAD}"}`,
    `{"sessionId":"s","data":"${PAYLOAD}","token":{"a":"${token}"}}`,
    `{"sessionId":"s","data":"${PAYLOAD}","token":"${token}x"}`,
    `{"strategy":"merge","responses":[{"instance":"A","result":"${PAYLOAD}","x":"${PAYLOAD}"}]}`,
    `{"targets":["KEYED"],"payloads":{"LISTED":"${PAYLOAD}"}}`,
    `"${PAYLOAD}${"x".repeat(9_000_000)}"`,
  ];
  for (const body of bodies)
    for (const path of ["route", "fanout", "aggregate", "sessions/spawn", "sessions/send"])
      await call(ADMIN, "POST", path, { body });
  for (const payload of [PAYLOAD, `${PAYLOAD} again`])
    await call(ADMIN, "POST", "route", { body: { instances: ["KEYED"], payload, idempotencyKey: "k" } });
  const odd: Record<string, string>[] = [
    { origin: "http://evil.example" },
    { "content-type": "text/plain" },
    { host: "evil.example" },
  ];
  for (const headers of odd)
    await call(ADMIN, "POST", "route", { body: `{"payload":"${PAYLOAD}"}`, headers });
  await call(ADMIN, "GET", `nowhere?key=${ADMIN}&token=${token}`);
  await call(ADMIN, "GET", `runs?limit=${"9".repeat(20)}&token=${token}`);
  await call(ADMIN, "GET", "runs");
  const close = { connection: "close" };
  await raw(head("GET", `/%zz?key=${ADMIN}`, { as: ADMIN, headers: close }));
  await raw(head("GET", "/orchestrator/runs", { as: ADMIN, headers: { "x-large": ADMIN.repeat(2_000) } }));
  for (const url of [`ftp://me:${PAYLOAD}@a.example`, `http://me:${PAYLOAD}@ a`, `me:${PAYLOAD}@a`]) {
    const body = JSON.stringify({ instanceId: "A", url });
    await raw(post("/api/cluster/register", body, { as: ADMIN, headers: close }));
  }
  await raw(`GET / HTTP/1.1\r\nAuthorization: Bearer ${ADMIN}\r\n${PAYLOAD}\r\n\r\n`);
  await raw(`${post("/orchestrator/route", "{}", { as: ADMIN })}${PAYLOAD}\r\n\r\n`);
  served.drain();
  await call(ADMIN, "POST", "route", { body: { instances: ["KEYED"], payload: PAYLOAD } });
  expect(logger.lines.some(({ level }) => level === "error")).toBe(true);
}

describe("secrets that go through a server", () => {
  it("are in no log, no error, no header, and no answer that they are not for", async () => {
    const site = await setUp();
    const token = await work(site);
    await misuse(site, token);
    const keys = { ADMIN, SCOPED, INSTANCE, FLEET, derived: site.derived };
    const found = (text: string, secrets: Record<string, string>) =>
      Object.keys(secrets).filter((name) => text.includes(secrets[name] as string));

    const logged = site.logged();
    expect(logged.length).toBeGreaterThan(100);
    for (const line of logged) expect([line, found(line, { ...keys, token, PAYLOAD })]).toEqual([line, []]);

    expect(new Set(site.replies.map(({ reply }) => reply.status))).toEqual(
      new Set([200, 201, 400, 401, 403, 404, 409, 413, 500, 502, 503]),
    );
    for (const { title, reply } of site.replies) {
      const { status, headers, body } = reply;
      if (status >= 400) refusalIn(reply);
      const text = JSON.stringify(body);
      const mayHold = { ...(status < 300 ? {} : { PAYLOAD, token }), ...keys };
      expect([title, text, found(text, mayHold)]).toEqual([title, text, []]);
      expect([title, found(JSON.stringify(headers), { ...keys, token, PAYLOAD })]).toEqual([title, []]);
      if (text.includes(token)) expect(title).toContain("sessions/spawn");
    }
  });

  it("are not in the store, but for what the work itself was given", async () => {
    const site = await setUp();
    const token = await work(site);
    const stored = JSON.stringify(await site.store.list("", { limit: 10_000 }));
    expect(stored).toContain(PAYLOAD);
    for (const secret of [token, ADMIN, SCOPED, INSTANCE, FLEET, site.derived])
      expect(stored).not.toContain(secret);
  });
});

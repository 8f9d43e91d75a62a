import { describe, expect, it } from "vitest";
import { listen } from "../../src/server/listen.ts";
import { createServer } from "../../src/server/server.ts";
import { handWorker, onEnd, startHost } from "../host/harness.ts";
import { recordingLogger } from "../support/logger.ts";
import { withBody } from "./support/endpoints.ts";
import { head, openLine, post, repliesIn, sendRaw } from "./support/raw.ts";
import { inShort, refusalIn } from "./support/refusal.ts";
import { type Site, startSite } from "./support/site.ts";

const PATIENT = { timeout: 10_000 };
/** By the time of the answer the server has read what was sent before. */
const untilRead = ({ call }: Pick<Site, "call">) => call("", "GET", "/api/health/check");
const errorsIn = ({ lines }: ReturnType<typeof recordingLogger>) =>
  lines.filter(({ level }) => level === "error" || level === "warn");

/** A site with an instance S whose work ends when the test says so. */
async function startSlowSite() {
  const worker = handWorker();
  const { origin } = await startHost({ worker });
  return { ...(await startSite({ fleet: { S: origin } })), hand: worker };
}

describe("a slow client", () => {
  /** A server of ours with the same limits, all of them short. */
  async function startImpatient() {
    const logger = recordingLogger();
    const server = createServer({ logger, keys: () => [] });
    onEnd(() => server.close());
    const bodies: unknown[] = [];
    server.post("/echo", async ({ body }) => {
      bodies.push(body);
      return { got: body };
    });
    Object.assign(server.server, {
      headersTimeout: 1_000,
      requestTimeout: 1_500,
      connectionsCheckingInterval: 50,
    });
    return { origin: await listen(server, { host: "127.0.0.1", port: 0 }), bodies, logger };
  }

  it.each([
    ["nothing at all", ""],
    ["its head a byte at a time", head("POST", "/echo").slice(0, -4)],
    ["its body a byte at a time", post("/echo", JSON.stringify({ text: "x".repeat(1_000) }))],
  ])("that sends %s is told that it was too slow, and holds up nobody", async (_, request) => {
    const { origin, bodies, logger } = await startImpatient();
    const line = openLine(origin);
    let at = request.includes("\r\n\r\n") ? request.indexOf("\r\n\r\n") + 4 : 0;
    line.send(request.slice(0, at));
    const drip = setInterval(() => line.send(request.slice(at, ++at)), 20);
    const [other] = await sendRaw(origin, post("/echo", "1", { headers: { connection: "close" } }));
    expect(other?.body).toEqual({ got: 1 });
    const replies = repliesIn(await line.ended);
    clearInterval(drip);
    expect(replies.map(inShort)).toEqual(["408 bad_request"]);
    expect(replies[0] && refusalIn(replies[0]).message).toBe("The request did not arrive in time.");
    expect(bodies).toEqual([1]);
    expect(errorsIn(logger)).toEqual([]);
  });

  it("that is quick enough is answered", async () => {
    const { origin } = await startSite();
    const line = openLine(origin);
    const body = JSON.stringify({ instances: ["A"], payload: "\u00e9" });
    for (const byte of Buffer.from(post("/orchestrator/route", body, { headers: { connection: "close" } }))) {
      line.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(repliesIn(await line.ended)).toMatchObject([{ status: 200, body: { result: "\u00e9" } }]);
  });

  it("has a minute at most with every server, and there may not be any number of them", async () => {
    const { server } = createServer({ logger: recordingLogger(), keys: () => [] });
    expect(server.headersTimeout).toBeLessThanOrEqual(15_000);
    expect(server.requestTimeout).toBeLessThanOrEqual(60_000);
    expect(server.maxConnections).toBeLessThanOrEqual(2_000);
    server.close();
  });

  it("is one of a hundred, and the next one is served all the same", async () => {
    const { origin, call } = await startSite();
    const lines = Array.from({ length: 100 }, () => openLine(origin));
    for (const line of lines) line.send("POST /orchestrator/route HTTP/1.1\r\nHost: loc");
    expect((await call("root", "GET", "/orchestrator/runs")).status).toBe(200);
  });
});

describe("a client that leaves", () => {
  it("in the middle of its request has asked for nothing, and is nobody's error", async () => {
    const site = await startSite();
    for (const { path, method, body } of withBody(site.endpoints)) {
      const text = JSON.stringify(body);
      const whole = head(method, path, {
        headers: { "content-type": "application/json", "content-length": String(text.length + 1) },
      });
      for (const part of [whole.slice(0, 20), whole, whole + text.slice(0, 5), whole + text]) {
        for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
          const line = openLine(site.origin);
          line.send(part);
          await untilRead(site);
          line.socket[leave]();
          await line.ended;
        }
      }
    }
    expect((await site.call("root", "GET", "/orchestrator/runs")).body.items).toHaveLength(1);
    expect(site.worker.runs).toEqual([]);
    expect(errorsIn(site.logger)).toEqual([]);
  });

  it.each([
    ["route", { instances: ["S"], payload: 1 }],
    ["fanout", { targets: ["S", "A"], payload: 1, aggregate: true }],
    ["sessions/send", { sessionId: "slow", data: 1 }],
    ["route", { instances: ["S"], payload: 1, idempotencyKey: "k" }],
  ])("while %s is at work leaves it at work, and the same call again gets its run", async (path, body) => {
    const { origin, call, hand, engine, logger } = await startSlowSite();
    await call("ci", "POST", "/orchestrator/sessions/spawn", { body: { sessionId: "slow", instance: "S" } });
    const line = openLine(origin);
    line.send(post(`/orchestrator/${path}`, JSON.stringify(body), { as: "ci" }));
    await expect.poll(() => hand.tasks.length, PATIENT).toBe(1);
    line.socket.destroy();
    if (!("idempotencyKey" in body))
      await expect.poll(async () => (await engine.store.list("unclaimed/")).length, PATIENT).toBe(1);
    hand.tasks[0]?.finish("done all the same");
    const again = await call("ci", "POST", `/orchestrator/${path}`, { body });
    expect(again.status).toBe(200);
    expect(JSON.stringify(again.body)).toContain("done all the same");
    expect(hand.tasks).toHaveLength(1);
    expect(hand.tasks[0]?.cancellation.error).toBeUndefined();
    expect(errorsIn(logger)).toEqual([]);
  });

  it("in the middle of its answer finds the run, and by its key the answer", async () => {
    const { origin, call, worker, logger } = await startSite();
    const body = { instances: ["A"], payload: "x".repeat(4_000_000), idempotencyKey: "k" };
    const line = openLine(origin);
    line.send(post("/orchestrator/route", JSON.stringify(body)));
    await new Promise<void>((resolve) => line.socket.once("data", () => resolve()));
    line.socket.resetAndDestroy();
    const again = await call("root", "POST", "/orchestrator/route", { body });
    expect([again.status, again.body.result === body.payload]).toEqual([200, true]);
    const { items } = (await call("root", "GET", "/orchestrator/runs")).body;
    expect(items).toMatchObject([{ state: "ended", counts: { done: 1 } }, {}]);
    expect(worker.runs).toHaveLength(1);
    expect(errorsIn(logger)).toEqual([]);
  });
});

describe("rubbish after a request on the same connection", () => {
  const work = (payload: unknown) =>
    post("/orchestrator/route", JSON.stringify({ instances: ["S"], payload, wait: "20s" }));
  const chunks = head("POST", "/orchestrator/route", {
    headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
  });

  it.each([
    ["words", "RUBBISH\r\n\r\n"],
    ["zeros", "\u0000".repeat(100)],
    ["another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a broken request", `${chunks}5\r\n{"ins\r\nZZ\r\n`],
    ["two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["more than once", "RUBBISH\r\n\r\n".repeat(1_000)],
  ])("in %s is refused once that request has been answered", async (_, rubbish) => {
    const { origin, call, hand, logger } = await startSlowSite();
    const line = openLine(origin);
    line.send(work(1) + work(2) + rubbish);
    await expect.poll(() => hand.tasks.length, PATIENT).toBe(2);
    line.send("MORE");
    // Whoever reads this would take it for the answer to its work.
    await untilRead({ call });
    expect(line.received()).toBe("");
    for (const task of hand.tasks) task.finish(`did ${task.payload}`);
    const replies = repliesIn(await line.ended);
    expect(replies).toMatchObject([
      { status: 200, body: { reply: "done", result: "did 1" } },
      { status: 200, body: { reply: "done", result: "did 2" } },
      { status: 400, body: { error: { code: "bad_request", delivery: "not_sent" } } },
    ]);
    expect(errorsIn(logger)).toEqual([]);
  });

  it("before any is refused at once, and the next connection is served", async () => {
    const site = await startSite();
    for (const rubbish of [
      "RUBBISH\r\n\r\n",
      "\u0000",
      "\r\n\r\n\r\nGET\r\n",
      "GET / HTTP/3\r\n\r\n",
      "\u0016\u0003\u0001",
    ]) {
      const replies = await sendRaw(site.origin, rubbish, post("/orchestrator/route", "{}"));
      expect([rubbish, ...replies.map(inShort)]).toEqual([rubbish, "400 bad_request"]);
    }
    expect((await site.call("root", "GET", "/orchestrator/runs")).status).toBe(200);
    expect(errorsIn(site.logger)).toEqual([]);
  });

  it("in the middle of a stream of events does not come into it", async () => {
    const { origin, call, hand } = await startSlowSite();
    const body = { instances: ["S"], payload: 1, wait: 0 };
    const { runId } = (await call("root", "POST", "/orchestrator/route", { body })).body;
    await expect.poll(() => hand.tasks.length, PATIENT).toBe(1);
    const line = openLine(origin);
    line.send(head("GET", `/orchestrator/runs/${runId}/events`));
    await expect.poll(line.received, PATIENT).toContain("text/event-stream");
    line.send("RUBBISH\r\n\r\n");
    await untilRead({ call });
    hand.tasks[0]?.finish("told");
    const [stream = "", after = ""] = (await line.ended).split("0\r\n\r\n");
    expect(stream).toContain("event: end");
    expect(stream).not.toContain("400 Bad Request");
    expect(repliesIn(after).map(inShort)).toEqual(["400 bad_request"]);
  });

  it("does not keep its sender's answers from those who asked properly, many at a time", async () => {
    const { origin, worker } = await startSite();
    const request = (payload: number) =>
      post("/orchestrator/route", JSON.stringify({ instances: ["A"], payload }));
    const bytes = Array.from({ length: 50 }, (_, at) => request(at)).join("");
    const replies = repliesIn(await openAndSend(origin, `${bytes}RUBBISH\r\n\r\n`));
    expect(replies.slice(0, 50).map(({ body }) => body.result)).toEqual(
      Array.from({ length: 50 }, (_, at) => at),
    );
    expect(replies.slice(50).map(inShort)).toEqual(["400 bad_request"]);
    expect(worker.runs).toHaveLength(50);
  });
});

function openAndSend(origin: string, bytes: string): Promise<string> {
  const line = openLine(origin);
  line.send(bytes);
  return line.ended;
}

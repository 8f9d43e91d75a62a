import { describe, expect, it } from "vitest";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import type { recordingLogger } from "../support/logger.ts";
import { withBody } from "./support/endpoints.ts";
import { head, openLine, post, repliesIn, sendRaw } from "./support/raw.ts";
import { inShort } from "./support/refusal.ts";
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

  it("and comes back and leaves again is answered with that run at last", async () => {
    const { origin, call, hand, engine } = await startSlowSite();
    const body = { instances: ["S"], payload: 1 };
    const unclaimed = async () => (await engine.store.list("unclaimed/")).length;
    for (let time = 0; time < 3; time++) {
      const line = openLine(origin);
      line.send(post("/orchestrator/route", JSON.stringify(body)));
      await expect.poll(() => hand.tasks.length, PATIENT).toBe(1);
      await expect.poll(unclaimed, PATIENT).toBe(0);
      line.socket.destroy();
      await expect.poll(unclaimed, PATIENT).toBe(1);
    }
    hand.tasks[0]?.finish("done once");
    const last = await call("root", "POST", "/orchestrator/route", { body });
    expect([last.status, last.body.result, hand.tasks.length]).toEqual([200, "done once", 1]);
  });

  it.each([undefined, "k"])(
    "in the middle of its answer gets it by the same call again (key %s)",
    async (idempotencyKey) => {
      const worker = echoWorker();
      const host = await startHost({ worker });
      const names = ["C", "D", "E", "F", "G", "H"];
      const fleet = Object.fromEntries(names.map((name) => [name, host.origin]));
      const { origin, call, engine, logger } = await startSite({ fleet });
      // More than fits between the two: the kernel takes some megabytes.
      const body = { targets: names, payload: "x".repeat(6_000_000), idempotencyKey };
      const line = openLine(origin);
      line.send(post("/orchestrator/fanout", JSON.stringify(body)));
      await new Promise<void>((resolve) => line.socket.once("data", () => resolve()));
      line.socket.resetAndDestroy();
      if (idempotencyKey === undefined)
        await expect.poll(async () => (await engine.store.list("unclaimed/")).length, PATIENT).toBe(1);
      const again = await call("root", "POST", "/orchestrator/fanout", { body });
      expect([again.status, again.body.counts]).toMatchObject([200, { done: names.length }]);
      expect(worker.runs).toHaveLength(names.length);
      expect(errorsIn(logger)).toEqual([]);
    },
  );
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

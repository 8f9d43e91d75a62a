import { describe, expect, it } from "vitest";
import { listen } from "../../src/server/listen.ts";
import { createServer } from "../../src/server/server.ts";
import { onEnd } from "../host/harness.ts";
import { recordingLogger } from "../support/logger.ts";
import { head, openLine, post, repliesIn, sendRaw } from "./support/raw.ts";
import { inShort, refusalIn } from "./support/refusal.ts";
import { startSite } from "./support/site.ts";

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
    expect(logger.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
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

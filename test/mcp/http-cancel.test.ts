import { McpError } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { call } from "./harness.ts";
import {
  type Asked,
  ask,
  beginSession,
  connectTo,
  type Fleet,
  modernCall,
  oldCall,
  open,
  startMcp,
  streamed,
} from "./http-harness.ts";

const WORK = { instances: ["A"], payload: { job: 1 } };
const SENT_AGAIN = "nothing was sent again";

/** Sends a call that nobody answers, until the instance has it; hangs up with what is returned. */
async function left(fleet: Fleet, asked: Asked): Promise<() => void> {
  const begun = fleet.begun();
  const hangUp = new AbortController();
  const answer = ask(fleet.mcp, { ...asked, signal: hangUp.signal });
  answer.catch(() => {});
  await expect.poll(fleet.begun).toBe(begun + 1);
  return () => hangUp.abort();
}

const isCancelled = (fleet: Fleet, task = 0) =>
  fleet.workers[0]?.tasks[task]?.cancellation.error !== undefined;

/** What is kept for the identical calls of those who left. */
const unheard = (fleet: Fleet) => fleet.engine.store.list("unclaimed/", { limit: 9 });

/** The newest run, as it is stored. */
async function newestRun(fleet: Fleet) {
  const { items } = await fleet.engine.runs();
  return items[0];
}

describe("hanging up in revision 2026-07-28", () => {
  it("cancels the work at the instance", async () => {
    const fleet = await startMcp();
    const hangUp = await left(fleet, modernCall("delegate", WORK));
    expect(isCancelled(fleet)).toBe(false);
    hangUp();
    await expect.poll(() => isCancelled(fleet)).toBe(true);
    await expect.poll(async () => (await newestRun(fleet))?.counts).toMatchObject({ cancelled: 1 });
  });

  it("cancels it also in the middle of a stream, and only that call", async () => {
    const fleet = await startMcp(2);
    const args = { targets: ["*"], payload: 1 };
    const other = ask(fleet.mcp, modernCall("fanout", { ...args, payload: 2 }));
    await expect.poll(fleet.begun).toBe(2);
    const { body } = await (async () => {
      const response = open(fleet.mcp, modernCall("fanout", args, { token: "p" }));
      await expect.poll(fleet.begun).toBe(4);
      fleet.workers[0]?.tasks[1]?.finish("first");
      return response;
    })();
    expect((await streamed(body).next()).value.params.progress).toBe(1);
    body.on("error", () => {}).destroy();
    await expect.poll(() => fleet.workers[1]?.tasks[1]?.cancellation.error?.code).toBe("cancelled");
    for (const { tasks } of fleet.workers) {
      expect(tasks[0]?.cancellation.error).toBeUndefined();
      tasks[0]?.finish("other");
    }
    expect((await other).messages[0].result.structuredContent.counts.done).toBe(2);
  });

  it("does nothing once the call is answered: neither to the work that goes on nor to the next call", async () => {
    const fleet = await startMcp();
    const { messages } = await ask(fleet.mcp, modernCall("delegate", { ...WORK, wait: 0 }));
    const { runId, reply } = messages[0].result.structuredContent;
    expect(reply).toBe("pending");
    await expect.poll(fleet.begun).toBe(1);
    fleet.finishAll();
    const again = (await ask(fleet.mcp, modernCall("delegate", WORK))).messages[0].result;
    expect(again.structuredContent.runId).not.toBe(runId);
    expect(again.content[0].text).not.toContain(SENT_AGAIN);
    expect(fleet.begun()).toBe(2);
    expect((await fleet.engine.run(runId, 5)).outcomes).toMatchObject([{ reply: "done" }]);
  });
});

describe("hanging up in an older revision", () => {
  it("only ends the waiting: the work goes on, and the identical call is answered with it", async () => {
    const fleet = await startMcp();
    const { asked } = await beginSession(fleet.mcp);
    const hangUp = await left(fleet, asked(oldCall(1, "delegate", WORK)));
    hangUp();
    await expect.poll(() => unheard(fleet)).toHaveLength(1);
    expect(isCancelled(fleet)).toBe(false);
    const again = ask(fleet.mcp, asked(oldCall(2, "delegate", WORK)));
    await expect.poll(() => unheard(fleet)).toHaveLength(0);
    fleet.workers[0]?.tasks[0]?.finish("late");
    const { structuredContent, content } = (await again).messages[0].result;
    expect(structuredContent).toMatchObject({ reply: "done", result: "late" });
    expect(content[0].text).toContain(SENT_AGAIN);
    expect(fleet.begun()).toBe(1);
  });

  it("does the same for a request without a session", async () => {
    const fleet = await startMcp();
    const asked: Asked = { body: { jsonrpc: "2.0", ...oldCall(1, "delegate", WORK) } };
    (await left(fleet, asked))();
    await expect.poll(() => unheard(fleet)).toHaveLength(1);
    expect(isCancelled(fleet)).toBe(false);
    fleet.workers[0]?.tasks[0]?.finish("late");
    expect((await ask(fleet.mcp, asked)).messages[0].result.content[0].text).toContain(SENT_AGAIN);
    expect(fleet.begun()).toBe(1);
  });

  it("leaves the work alone when the session is ended", async () => {
    const fleet = await startMcp();
    const { asked } = await beginSession(fleet.mcp);
    const answer = ask(fleet.mcp, asked(oldCall(1, "delegate", WORK)));
    await expect.poll(fleet.begun).toBe(1);
    const { headers } = asked({});
    expect((await ask(fleet.mcp, { method: "DELETE", ...(headers && { headers }) })).status).toBe(200);
    expect((await answer).messages).toEqual([]);
    expect(isCancelled(fleet)).toBe(false);
    fleet.workers[0]?.tasks[0]?.finish("late");
    await expect.poll(async () => (await newestRun(fleet))?.counts).toMatchObject({ done: 1 });
  });
});

describe("notifications/cancelled in an older revision", () => {
  it("cancels the work at the instance, and ends the stream that nothing follows on", async () => {
    const fleet = await startMcp();
    const { asked } = await beginSession(fleet.mcp);
    const answer = ask(fleet.mcp, asked(oldCall("c", "delegate", WORK)));
    await expect.poll(fleet.begun).toBe(1);
    const params = { requestId: "c", reason: "the user pressed Esc" };
    expect((await ask(fleet.mcp, asked({ method: "notifications/cancelled", params }))).status).toBe(202);
    await expect.poll(() => isCancelled(fleet)).toBe(true);
    expect((await answer).messages).toEqual([]);
    await expect.poll(async () => (await newestRun(fleet))?.counts).toMatchObject({ cancelled: 1 });
  });

  it("leaves the other answers of a batch alone", async () => {
    const fleet = await startMcp();
    const { asked } = await beginSession(fleet.mcp, { revision: "2025-03-26" });
    const body = [oldCall("a", "delegate", WORK), oldCall("b", "delegate", { ...WORK, payload: 2 })].map(
      (each) => ({
        jsonrpc: "2.0",
        ...each,
      }),
    );
    const response = await open(fleet.mcp, { ...asked({}), body });
    await expect.poll(fleet.begun).toBe(2);
    await ask(fleet.mcp, asked({ method: "notifications/cancelled", params: { requestId: "a" } }));
    await expect
      .poll(() => fleet.workers[0]?.tasks.some(({ cancellation }) => cancellation.error))
      .toBe(true);
    for (const task of fleet.workers[0]?.tasks ?? []) task.finish("rest");
    expect((await streamed(response.body).next()).value).toMatchObject({ id: "b" });
    response.body.on("error", () => {}).destroy();
  });

  it("is what the official client sends when told to", async () => {
    const fleet = await startMcp();
    const { client } = await connectTo(fleet.mcp);
    const stop = new AbortController();
    const answer = client.callTool({ name: "delegate", arguments: WORK }, undefined, { signal: stop.signal });
    await expect.poll(fleet.begun).toBe(1);
    stop.abort("no longer needed");
    await expect(answer).rejects.toThrow();
    await expect.poll(() => isCancelled(fleet)).toBe(true);
  });

  it("only ends the waiting when all it says is that the client's timer ran out", async () => {
    const fleet = await startMcp();
    const { client } = await connectTo(fleet.mcp);
    const answer = client.callTool({ name: "delegate", arguments: WORK }, undefined, { timeout: 300 });
    await expect(answer).rejects.toThrow(McpError);
    await expect.poll(() => unheard(fleet)).toHaveLength(1);
    expect(isCancelled(fleet)).toBe(false);
    fleet.finishAll();
    const { text, structured } = await call(client, "delegate", WORK);
    expect([structured.reply, text]).toEqual(["done", expect.stringContaining(SENT_AGAIN)]);
    expect(fleet.begun()).toBe(1);
  });
});

describe("a server that is about to end", () => {
  it("answers what is in flight, in every era, and refuses new work", async () => {
    const fleet = await startMcp();
    const { asked } = await beginSession(fleet.mcp);
    const { headers } = asked({});
    const stream = await open(fleet.mcp, { method: "GET", ...(headers && { headers }) });
    const answers = [
      ask(fleet.mcp, asked(oldCall(1, "delegate", WORK))),
      ask(fleet.mcp, modernCall("delegate", { ...WORK, payload: 2 })),
    ];
    await expect.poll(fleet.begun).toBe(2);
    fleet.served.drain();
    const refused = (await ask(fleet.mcp, modernCall("delegate", WORK))).messages[0].result;
    expect(refused.content[0].text).toMatch(/^draining: This server is shutting down\. → Call again/);
    const read = (await ask(fleet.mcp, modernCall("runs_list"))).messages[0].result;
    expect(read.structuredContent.items).toHaveLength(2);
    const closed = fleet.served.close();
    for (const task of fleet.workers[0]?.tasks ?? []) task.finish("last");
    for (const answer of answers)
      expect((await answer).messages[0].result.structuredContent).toMatchObject({ result: "last" });
    await stream.body.text();
    await closed;
    expect(fleet.begun()).toBe(2);
  });

  it("is not held up by a client that only listens", async () => {
    const fleet = await startMcp();
    const { transport } = await connectTo(fleet.mcp);
    expect(transport.sessionId).toBeDefined();
    const begun = performance.now();
    await fleet.served.close();
    expect(performance.now() - begun).toBeLessThan(1_500);
  });
});

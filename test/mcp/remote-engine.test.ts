import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { describe, expect, it } from "vitest";
import { OrchestratorClient } from "../../src/client/client.ts";
import { remoteEngine } from "../../src/mcp/remote-engine.ts";
import { clientOf, startFaults, startFleet } from "../client/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { fakeClock } from "../support/clock.ts";
import { hang } from "../support/faults.ts";
import { call, connect } from "./harness.ts";

const WORK = { instances: ["A"], payload: { job: 1 } };
const SENT_AGAIN = "nothing was sent again";

/** A real server over a fleet, and a client whose tools are answered by way of it. */
async function startProxy(size = 1, clock = systemClock) {
  const fleet = await startFleet(size);
  const proxy = await connect(remoteEngine(() => clientOf(fleet.url), clock));
  return { ...fleet, proxy };
}

/** An answer without what differs from run to run. */
const plain = (text: string): string =>
  text
    .replace(/run-[\w-]+/g, "RUN")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\d+(\.\d+)? (ms|s)\b/g, "SPAN")
    .replace(/\b(mcp:test-client|rest)\b/g, "CALLER");

/** Calls a tool and hangs up as a client does whose own timer runs out. */
async function timedOut(client: Client, name: string, args: object, begun: () => number): Promise<void> {
  const before = begun();
  const stop = new AbortController();
  const answer = client.callTool({ name, arguments: { ...args } }, undefined, { signal: stop.signal });
  answer.catch(() => {});
  await expect.poll(begun).toBe(before + 1);
  stop.abort("Request timed out");
  await expect(answer).rejects.toThrow();
}

describe("tools over a running server", () => {
  it("answer what they answer over the engine itself", async () => {
    const { proxy, engine, finishAll } = await startProxy(2);
    finishAll();
    const direct = await connect(engine.engine);
    const plan = { steps: [{ id: "a", fanout: { targets: ["*"], payload: 1 } }] };
    let runId = "";
    for (const [name, args] of [
      ["health", {}],
      ["health", { instances: ["A"], detail: true }],
      ["delegate", WORK],
      ["delegate", { ...WORK, timeout: "20s", wait: 5, retries: 1, pick: "random", budget: { maxCalls: 3 } }],
      ["delegate", { ...WORK, dryRun: true }],
      ["delegate", { instances: ["Z"] }],
      ["delegate", { retris: 1 }],
      ["fanout", { targets: "A-B", payload: 1, aggregate: "concat", stall: "5s", minSuccess: 1 }],
      ["fanout", { targets: ["*"], payloads: { A: 1, B: [2] }, aggregate: true, detail: "brief" }],
      ["fanout", { targets: ["*"], payload: 1, minSuccess: 9 }],
      ["orchestrate", plan],
      ["orchestrate", { ...plan, dryRun: true }],
      ["orchestrate", { steps: [{ id: "a", delegat: {} }] }],
      ["orchestrate", { steps: [{ id: "a", timeout: "10s", delegate: { instances: ["A"], wait: "1s" } }] }],
      ["aggregate", { responses: [{ instance: "A", result: 1 }], strategy: "collect" }],
      ["aggregate", { runId: () => runId, strategy: "concat" }],
      [
        "aggregate",
        { runId: () => runId, strategy: "reduce", instance: "A", instruction: "add", wait: "9s" },
      ],
      ["runs_get", { runId: () => runId }],
      ["runs_get", { runId: () => runId, wait: "2s", instance: "A" }],
      ["runs_get", { runId: "run-none" }],
      ["runs_cancel", { runId: () => runId }],
      ["sessions_spawn", { sessionId: "s-@", instance: "A" }],
      ["sessions_spawn", { sessionId: "s-@", instance: "A" }],
      ["sessions_send", { sessionId: "s-@", data: { n: 1 }, wait: "9s" }],
      ["sessions_history", { sessionId: "s-@", limit: 1 }],
      ["sessions_close", { sessionId: "s-@" }],
    ] as const) {
      const given = Object.entries(args).map(([field, value]) => [
        field,
        typeof value === "function" ? value() : value,
      ]);
      const answers = [];
      for (const [client, own] of [
        [direct, "1"],
        [proxy, "2"],
      ] as const) {
        const filled = JSON.parse(JSON.stringify(Object.fromEntries(given)).replaceAll("@", own));
        const answer = await call(client, name, filled);
        if (name === "fanout" && answer.structured.runId) runId = answer.structured.runId;
        answers.push({
          ...answer,
          text: plain(answer.text).replaceAll(`s-${own}`, "s-@"),
          structured: undefined,
        });
      }
      expect(answers[1], `${name} ${JSON.stringify(args)}`).toEqual(answers[0]);
    }
    const listed = (await call(proxy, "runs_list", { limit: 2 })).structured;
    expect(listed.items).toHaveLength(2);
    expect((await call(proxy, "runs_list", { after: listed.next })).structured.items.length).toBeGreaterThan(
      2,
    );
    expect((await call(proxy, "sessions_list")).structured.items).toHaveLength(2);
  });

  it("have a fan-out to many confirmed, as the engine itself has", async () => {
    const { url, engine, begun, finishAll } = await startFleet(2, {
      engine: { settings: { confirmAbove: 1 } },
    });
    finishAll();
    const proxy = await connect(remoteEngine(() => clientOf(url, { confirmsAll: true }), systemClock));
    const all = { targets: ["*"], payload: 1 };
    const { text } = await call(proxy, "fanout", all);
    expect(text).toBe((await call(await connect(engine.engine), "fanout", all)).text);
    expect([text, begun()]).toEqual([expect.stringContaining("confirmed: true"), 0]);
    expect((await call(proxy, "fanout", { ...all, confirmed: true })).structured.counts.done).toBe(2);
    // A program is never asked.
    await clientOf(url).fanout({ ...all, targets: "*" });
  });

  it("tell of progress, and of a cancel down to the instance", async () => {
    const { proxy, workers, begun } = await startProxy(2);
    const seen: (string | undefined)[] = [];
    const stop = new AbortController();
    const request = { name: "fanout", arguments: { targets: ["*"], payload: 1 } };
    const answer = proxy.callTool(request, undefined, {
      signal: stop.signal,
      onprogress: ({ message }) => seen.push(message),
    });
    answer.catch(() => {});
    await expect.poll(begun).toBe(2);
    workers[1]?.tasks[0]?.finish("b");
    await expect.poll(() => seen).toEqual(["B: done (1 of 2)"]);
    expect(workers[0]?.tasks[0]?.cancellation.error).toBeUndefined();
    stop.abort("no longer needed");
    await expect.poll(() => workers[0]?.tasks[0]?.cancellation.error?.code).toBe("cancelled");
  });

  it("leave the work at the server when this end closes", async () => {
    const { proxy, workers, begun, engine } = await startProxy();
    const answer = call(proxy, "delegate", WORK);
    answer.catch(() => {});
    await expect.poll(begun).toBe(1);
    await proxy.close();
    expect(workers[0]?.tasks[0]?.cancellation.error).toBeUndefined();
    workers[0]?.tasks[0]?.finish("late");
    await expect.poll(async () => (await engine.runs()).items[0]?.counts).toMatchObject({ done: 1 });
  });
});

describe("a call whose answer reached nobody", () => {
  it("is answered to the identical one, once, and its work is done once", async () => {
    const { proxy, workers, begun } = await startProxy();
    await timedOut(proxy, "delegate", WORK, begun);
    expect(workers[0]?.tasks[0]?.cancellation.error).toBeUndefined();
    workers[0]?.tasks[0]?.finish("late");
    const { text, structured } = await call(proxy, "delegate", { ...WORK, wait: "9s" });
    expect([structured.result, text]).toEqual(["late", expect.stringContaining(SENT_AGAIN)]);
    expect(begun()).toBe(1);
    const next = call(proxy, "delegate", WORK);
    await expect.poll(begun).toBe(2);
    workers[0]?.tasks[1]?.finish("new");
    expect((await next).structured.result).toBe("new");
  });

  it.each([
    ["other work", { ...WORK, payload: { job: 2 } }],
    ["work to be done anew", { ...WORK, fresh: true }],
    ["work under a key of its own", { ...WORK, idempotencyKey: "k" }],
  ])("does not answer %s", async (_, args) => {
    const { proxy, workers, begun } = await startProxy();
    await timedOut(proxy, "delegate", WORK, begun);
    const answer = call(proxy, "delegate", args);
    await expect.poll(begun).toBe(2);
    workers[0]?.tasks[1]?.finish("new");
    expect((await answer).structured.result).toBe("new");
  });

  it("is forgotten after ten minutes", async () => {
    const clock = fakeClock();
    const { proxy, workers, begun } = await startProxy(1, clock);
    await timedOut(proxy, "delegate", WORK, begun);
    await clock.advance(10 * 60_000);
    const answer = call(proxy, "delegate", WORK);
    await expect.poll(begun).toBe(2);
    workers[0]?.tasks[1]?.finish("new");
    expect((await answer).structured.result).toBe("new");
  });
});

describe("a server that says nothing", () => {
  it("is given up before clients give up the call, and the identical call is made under the same key", async () => {
    const server = await startFaults();
    server.play(hang, hang, hang);
    const clock = fakeClock();
    const proxy = await connect(remoteEngine(() => clientOf(server.url), clock));
    const givenUp = async (name: string, args: Record<string, unknown>) => {
      const before = server.requests.length;
      const answer = call(proxy, name, args);
      await expect.poll(() => server.requests.length).toBe(before + 1);
      await clock.advance(55_000);
      return answer;
    };
    const { text } = await givenUp("health", {});
    expect(text).toMatch(
      /^timeout: The server did not answer within 55 s\. → See whether .* make the call again\./,
    );
    const texts = [await givenUp("delegate", WORK), await givenUp("delegate", WORK)].map(({ text }) => text);
    expect(texts[0]).toContain("delivery unknown");
    const [first, second] = texts.map((each) => /idempotencyKey "([^"]+)"/.exec(each)?.[1]);
    expect(second).toBe(first);
  });
});

describe("a server that cannot be reached", () => {
  it("is each tool's error, and the list is there", async () => {
    const { url, served } = await startFleet();
    await served.close();
    const proxy = await connect(remoteEngine(() => clientOf(url), systemClock));
    expect((await proxy.listTools()).tools).toHaveLength(13);
    for (const [name, args] of [
      ["health", {}],
      ["delegate", WORK],
      ["runs_list", {}],
      ["sessions_spawn", { sessionId: "s" }],
    ] as const) {
      const { isError, text } = await call(proxy, name, args);
      expect([isError, text], name).toEqual([
        true,
        expect.stringMatching(
          /^instance_down: The server at .* cannot be reached: .* → Start it with `orchestrator serve`/,
        ),
      ]);
    }
  });

  it("is used as soon as it is there", async () => {
    const first = await startFleet();
    const proxy = await connect(remoteEngine(() => clientOf(first.url), systemClock));
    await first.served.close();
    expect((await call(proxy, "health")).isError).toBe(true);
    await startFleet(1, { port: Number(new URL(first.url).port) });
    expect((await call(proxy, "health")).structured.instances).toMatchObject([{ instance: "A" }]);
  });

  it("may have a URL that is none", async () => {
    const proxy = await connect(remoteEngine(() => new OrchestratorClient({ url: "nowhere" }), systemClock));
    expect((await proxy.listTools()).tools).toHaveLength(13);
    for (const name of ["health", "delegate", "runs_list"])
      expect((await call(proxy, name)).text).toMatch(/^bad_request: url: this is no URL of a server/);
  });
});

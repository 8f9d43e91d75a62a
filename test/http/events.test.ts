import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src/store/memory.ts";
import { processes, testEngine } from "../engine/harness.ts";
import { echoWorker, handWorker, onEnd, startHost } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { httpClient } from "../support/http.ts";
import { modelServer } from "../support/model-server.ts";
import { startServer } from "./harness.ts";

interface Event {
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read into events of any shape
  data: any;
}

/** Reads events until the stream ends, or until enough were seen: then it hangs up. */
async function readEvents(
  url: string,
  { last, most = 1_000 }: { last?: string; most?: number } = {},
): Promise<Event[]> {
  const agent = new Agent();
  const { origin, pathname } = new URL(url);
  const { body, statusCode, headers } = await agent.request({
    origin,
    path: pathname,
    method: "GET",
    headers: last === undefined ? {} : { "last-event-id": last },
  });
  expect([statusCode, headers["content-type"]]).toEqual([200, "text/event-stream"]);
  const events: Event[] = [];
  let text = "";
  for await (const chunk of body.setEncoding("utf8")) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
      if (fields.data) events.push({ ...fields, data: JSON.parse(fields.data) } as Event);
    }
    if (events.length >= most) break;
  }
  await agent.destroy();
  return events;
}

async function setUp() {
  const workers = [handWorker(), handWorker(), handWorker()];
  const hosts = await Promise.all(workers.map((worker) => startHost({ worker })));
  const [a, b, c] = hosts.map(({ origin }) => origin) as [string, string, string];
  const fleet = { A: a, B: b, C: c };
  const store = createMemoryStore({ clock: systemClock });
  const serve = async (self: string) => {
    const { engine } = testEngine({
      fleet,
      store: { ...store, close: async () => {} },
      processes: processes(self),
    });
    const served = await startServer({ engine });
    onEnd(() => served.close());
    return served.origin;
  };
  const [here, there] = [await serve("here"), await serve("there")];
  const client = httpClient();
  onEnd(() => client.close());
  const { body } = await client.call("POST", `${here}/orchestrator/fanout`, {
    body: { targets: "A-C", payload: 1, wait: 0 },
  });
  for (const { tasks } of workers) await expect.poll(() => tasks.length, { timeout: 10_000 }).toBe(1);
  const finish = (at: number, result: string) => workers[at]?.tasks[0]?.finish(result);
  const events = (origin = here) => `${origin}/api/orchestrator/runs/${body.runId}/events`;
  return { runId: body.runId as string, finish, events, there, here, client };
}

describe("the events of a run", () => {
  it("are its outcomes as they end, then its end", async () => {
    const { events, finish, runId } = await setUp();
    const all = readEvents(events());
    finish(2, "third");
    expect(await readEvents(events(), { most: 1 })).toMatchObject([
      { event: "outcome", data: { instance: "C" } },
    ]);
    finish(0, "first");
    finish(1, "second");
    const told = await all;
    expect(told.map(({ event }) => event)).toEqual(["outcome", "outcome", "outcome", "end"]);
    expect(told[0]?.data).toMatchObject({
      runId,
      instance: "C",
      reply: "done",
      result: "third",
      ended: 1,
      total: 3,
    });
    expect(told.map(({ data }) => data.ended ?? data.counts.done)).toEqual([1, 2, 3, 3]);
    expect(told.at(-1)?.data).toMatchObject({ runId, state: "ended", counts: { done: 3 } });
  });

  it("go on after the last that was seen, and none is told twice or left out", async () => {
    const { events, finish, there } = await setUp();
    finish(1, "b");
    const [first] = await readEvents(events(), { most: 1 });
    finish(0, "a");
    finish(2, "c");
    for (const origin of [undefined, there]) {
      const rest = await readEvents(events(origin), { last: first?.id ?? "" });
      expect(rest.map(({ event, data }) => data.instance ?? event).sort()).toEqual(["A", "C", "end"]);
      const again = await readEvents(events(origin), { last: rest.at(-1)?.id ?? "" });
      expect(again.map(({ event }) => event)).toEqual(["end"]);
    }
  });

  it("of another process's run come as they come there", async () => {
    const { events, finish, there } = await setUp();
    const told = readEvents(events(there));
    finish(1, "b");
    expect(await readEvents(events(there), { most: 1 })).toMatchObject([
      { data: { instance: "B", result: "b" } },
    ]);
    finish(0, "a");
    finish(2, "c");
    expect((await told).map(({ event }) => event)).toEqual(["outcome", "outcome", "outcome", "end"]);
  });

  it("tell in between how far an answer is that is streamed", async () => {
    const model = await modelServer();
    onEnd(() => model.close());
    const settings = { model: "reckoner" };
    const { engine, delegate } = testEngine({
      fleet: { M: { url: model.url, protocol: "openai", settings } },
    });
    const served = await startServer({ engine });
    onEnd(() => served.close());
    const payload = `go slowly ${"word ".repeat(60)}`;
    const { runId } = await delegate({ instances: ["M"], payload, wait: 0 });
    const told = await readEvents(`${served.origin}/orchestrator/runs/${runId}/events`);
    const events = told.map(({ event }) => event);
    expect(events.slice(-2)).toEqual(["outcome", "end"]);
    expect(events.slice(0, -2)).toContain("working");
    expect(told[0]).toMatchObject({
      id: "0",
      data: {
        runId,
        instance: "M",
        reply: "pending",
        ended: 0,
        total: 1,
        working: { chars: expect.any(Number) },
      },
    });
    const chars = told.flatMap(({ data }) => data.working?.chars ?? []);
    expect(chars).toEqual([...new Set(chars)].sort((a, b) => a - b));
  });

  it("of no run are an error, and so is an id that none of them has", async () => {
    const { here, events, client } = await setUp();
    expect(await client.call("GET", `${here}/orchestrator/runs/none/events`)).toMatchObject({
      status: 404,
      body: { error: { code: "run_not_found" } },
    });
    expect(await client.call("GET", events(), { headers: { "last-event-id": "x" } })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining("after") } },
    });
  });

  it("end with the server, and a client that leaves leaves nothing behind", async () => {
    const host = await startHost({ worker: echoWorker() });
    const slow = await startHost({ worker: handWorker() });
    const { engine, store, delegate } = testEngine({ fleet: { A: host.origin, B: slow.origin } });
    const served = await startServer({ engine });
    const { runId } = await delegate({ instances: ["B"], payload: 1, wait: "50ms" });
    let watching = 0;
    const { watch } = store;
    store.watch = (...args) => {
      const stop = watch.apply(store, args);
      // Others watch for orders to cancel.
      if (!args[0].startsWith("run/")) return stop;
      watching += 1;
      return () => {
        watching -= 1;
        stop();
      };
    };
    const url = `${served.origin}/orchestrator/runs/${runId}/events`;
    const agent = new Agent();
    const { body } = await agent.request({
      origin: served.origin,
      path: new URL(url).pathname,
      method: "GET",
    });
    body.on("error", () => {});
    await expect.poll(() => watching).toBe(1);
    await agent.destroy();
    await expect.poll(() => watching, { timeout: 5_000 }).toBe(0);
    const told = readEvents(url);
    await expect.poll(() => watching).toBe(1);
    await engine.close();
    await served.close();
    expect(await told).toEqual([]);
  });
});

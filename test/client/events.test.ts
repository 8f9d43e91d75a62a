import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/core/run-answers.ts";
import type { Fault } from "../support/fault-server.ts";
import { hang, hangUp, refuse, reset, respond } from "../support/faults.ts";
import { clientOf, done, refusalOf, startFaults, startFleet } from "./harness.ts";
import { cutEvents, pass } from "./proxy.ts";

async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const seen: RunEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const names = (events: RunEvent[]) =>
  events.map((event) => (event.event === "outcome" ? event.data.instance : event.event));

/** A run over three instances, seen through a proxy. */
async function startRun() {
  const { url: origin, workers } = await startFleet(3);
  const proxy = await startFaults();
  proxy.play(pass(origin));
  const client = clientOf(proxy.url);
  const { runId } = done(await client.fanout({ targets: "A-C", payload: 1, wait: 0 }));
  for (const { tasks } of workers) await expect.poll(() => tasks.length, { timeout: 10_000 }).toBe(1);
  const finish = (index: number) => workers[index]?.tasks[0]?.finish(index);
  return { origin, proxy, client, runId, finish };
}

/** A stream of server-sent events in these chunks, which then goes on as it is told. */
function stream(chunks: string[], then: Fault = hangUp): Fault {
  return async (socket, request) => {
    socket.write(
      "HTTP/1.1 200 x\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n",
    );
    for (const chunk of chunks) {
      socket.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    then(socket, request);
  };
}

const outcome = (id: string, instance: string) =>
  `id: ${id}\nevent: outcome\ndata: ${JSON.stringify({ runId: "r", instance, reply: "done" })}\n\n`;
const END = 'id: f\nevent: end\ndata: {"runId":"r","state":"ended"}\n\n';

describe("the events of a run", () => {
  it("come as they happen, those that were there first, until the end", async () => {
    const { client, runId, finish } = await startRun();
    finish(2);
    const events = client.runsEvents({ runId })[Symbol.asyncIterator]();
    const first = await events.next();
    expect(first.value).toMatchObject({
      event: "outcome",
      data: { runId, instance: "C", ended: 1, total: 3 },
    });
    finish(0);
    expect((await events.next()).value).toMatchObject({ data: { instance: "A", ended: 2 } });
    finish(1);
    expect((await events.next()).value).toMatchObject({ data: { instance: "B", ended: 3 } });
    expect((await events.next()).value).toMatchObject({ event: "end", data: { runId, state: "ended" } });
    expect((await events.next()).done).toBe(true);
    const after = first.value?.id;
    expect(names(await all(client.runsEvents({ runId, after })))).toEqual(["A", "B", "end"]);
  });

  it("are each told once, however often the connection breaks", async () => {
    const { client, runId, finish, proxy, origin } = await startRun();
    const cut = (most: number) => cutEvents(origin, most);
    proxy.play(cut(0), cut(1), reset, cut(1), hangUp, cut(1), pass(origin));
    for (const index of [0, 1, 2]) finish(index);
    const events = await all(client.runsEvents({ runId }));
    expect([...names(events)].sort()).toEqual(["A", "B", "C", "end"]);
    expect(events.at(-1)?.event).toBe("end");
  });

  it("are asked for after the last one that came", async () => {
    const server = await startFaults();
    server.play(
      stream([outcome("1", "A"), outcome("3", "B")], reset),
      stream([outcome("7", "C")]),
      stream([END]),
    );
    const events = await all(clientOf(server.url).runsEvents({ runId: "r", after: "0" }));
    expect(events.map(({ id }) => id)).toEqual(["1", "3", "7", "f"]);
    expect(server.requests.map(({ headers }) => headers["last-event-id"])).toEqual(["0", "3", "7"]);
  });

  it("are read slowly, over half lines, comments and events of another kind", async () => {
    const server = await startFaults();
    const odd = "id: 2\nevent: weather\ndata: rain\n\n";
    const text = `: hello\n\n${outcome("1", "A").replaceAll("\n", "\r\n")}:\n\n${odd}${END}`;
    server.play(stream(text.match(/[\s\S]{1,7}/g) ?? [], hang));
    expect(names(await all(clientOf(server.url).runsEvents({ runId: "r" })))).toEqual(["A", "end"]);
  });

  it("go on for as long as the server shows signs of life, and no longer", async () => {
    const server = await startFaults();
    const comments = Array.from({ length: 20 }, () => stream([":\n\n"], reset));
    server.play(...comments, stream([END]));
    const client = clientOf(server.url);
    expect(names(await all(client.runsEvents({ runId: "r" })))).toEqual(["end"]);
    server.play(stream([outcome("1", "A")]), reset);
    const seen: string[] = [];
    const refusal = refusalOf(
      (async () => {
        for await (const event of client.runsEvents({ runId: "r" })) seen.push(event.id);
      })(),
    );
    expect(await refusal).toMatchObject({ code: "instance_down" });
    expect([seen, server.requests.length]).toEqual([["1"], 21 + 6]);
  });

  it("are refused at once where the server refuses them, and where they are none", async () => {
    const server = await startFaults();
    const client = clientOf(server.url);
    const next = () => refusalOf(all(client.runsEvents({ runId: "r" })));
    server.play(refuse(404, { code: "run_not_found" }));
    expect((await next()).code).toBe("run_not_found");
    server.play(respond({ body: { items: [] } }));
    expect(await next()).toMatchObject({
      code: "instance_error",
      message: expect.stringContaining("no orchestrator"),
    });
    server.play(stream(["id: 1\nevent: end\ndata: {\n\n"]));
    expect((await next()).code).toBe("instance_error");
    server.play(stream([`data: ${"x".repeat(5 * 1024 * 1024)}\n\n`]));
    expect((await next()).code).toBe("payload_too_large");
    expect(server.requests.length).toBe(4);
    expect((await refusalOf(all(client.runsEvents({ runId: "" })))).code).toBe("bad_request");
  });

  it("end quietly when they are no longer wanted", async () => {
    const { client, runId, proxy } = await startRun();
    const { signal, abort } = abortable();
    const events = all(client.runsEvents({ runId }, { signal }));
    await expect.poll(() => proxy.requests.at(-1)?.path).toContain("events");
    abort();
    expect(await events).toEqual([]);
    expect(await all(client.runsEvents({ runId }, { signal }))).toEqual([]);
    await proxy.down();
    const trying = abortable();
    const patient = clientOf(proxy.url, { random: () => 0.9 });
    const none = all(patient.runsEvents({ runId }, { signal: trying.signal }));
    trying.abort();
    expect(await none).toEqual([]);
    await proxy.up();
  });

  it("let go of their connection when they are no longer read", async () => {
    const server = await startFaults();
    let closed = 0;
    server.play((socket, request) => {
      socket.on("close", () => closed++);
      stream([outcome("1", "A")], hang)(socket, request);
    });
    for await (const event of clientOf(server.url).runsEvents({ runId: "r" })) {
      expect(event.id).toBe("1");
      break;
    }
    await expect.poll(() => closed).toBe(1);
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

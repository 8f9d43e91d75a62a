import { describe, expect, it } from "vitest";
import { type AcceptedKey, adminKey, hashKey } from "../../src/core/keys.ts";
import { remoteEngine } from "../../src/mcp/remote-engine.ts";
import { clientOf, startFaults, startFleet } from "../client/harness.ts";
import { pass } from "../client/proxy.ts";
import { systemClock } from "../host/harness-clock.ts";
import { fakeClock } from "../support/clock.ts";
import { hang, refuse } from "../support/faults.ts";
import { connectRaw } from "./raw-client.ts";
import { ended, inHand } from "./tasks-harness.ts";

const WORK = { instances: ["A"], payload: { job: 1 } };

/** A client that takes tasks, of an MCP server whose work is that of the server at this URL. */
const proxyTo = (url: string, apiKey?: string) =>
  connectRaw(remoteEngine(() => clientOf(url, { apiKey }), systemClock));

describe("tasks over a running server", () => {
  it("are its runs, and their results those of their calls", async () => {
    const { url, workers, engine } = await startFleet(2);
    const client = await proxyTo(url);
    const { taskId, status, statusMessage } = await client.call("delegate", WORK);
    expect([status, statusMessage]).toEqual(["working", "0 of 1 instance answered, 1 still working."]);
    (await inHand(workers[0] as never)).finish({ answer: 42 });
    const task = await ended(client, taskId);
    expect(task).toMatchObject({
      status: "completed",
      result: { resultType: "complete", structuredContent: { runId: taskId, result: { answer: 42 } } },
    });
    expect((await engine.engine.runsAnswer({ runId: taskId })).kept).toEqual({
      status: "completed",
      result: task.result,
    });
    const again = await client.call("delegate", WORK);
    expect(again.taskId).not.toBe(taskId);
  });

  it("take their time, once the server has said that it works on them", async () => {
    const { url, workers, engine } = await startFleet(2);
    const clock = fakeClock();
    const client = await connectRaw(remoteEngine(() => clientOf(url), clock));
    const call = { targets: ["A", "B"], payload: 1, minReplies: 1 };
    const { taskId } = await client.call("fanout", call);
    await clock.advance(10 * 60_000);
    (await inHand(workers[0] as never)).finish("enough");
    const task = await ended(client, taskId);
    expect(task.result.structuredContent.counts).toMatchObject({ done: 1, pending: 1 });
    const { kept } = await engine.engine.runsAnswer({ runId: taskId });
    expect(kept).toEqual({ status: "completed", result: task.result });
    (await inHand(workers[1] as never)).finish("late");
  });

  it("are none where the server says nothing: that is given up as any call is", async () => {
    const server = await startFaults();
    server.play(hang);
    const clock = fakeClock();
    const client = await connectRaw(remoteEngine(() => clientOf(server.url), clock));
    const answer = client.call("delegate", WORK);
    await expect.poll(() => server.requests.length).toBe(1);
    await clock.advance(55_000);
    expect(await answer).toMatchObject({ isError: true, structuredContent: { error: { code: "timeout" } } });
  });

  it("are judged by whom the call names, and told to others as they ended", async () => {
    const { url, workers } = await startFleet(3);
    const [client, other] = [await proxyTo(url), await proxyTo(url)];
    const aggregate = { strategy: "judge", instance: "C" };
    const { taskId } = await client.call("fanout", { targets: ["A", "B"], payload: 1, aggregate });
    for (const [index, text] of ["a", "b"].entries()) (await inHand(workers[index] as never)).finish(text);
    (await inHand(workers[2] as never)).finish({ choice: 2, reason: "shorter" });
    const task = await ended(client, taskId);
    expect(task.result.structuredContent.aggregate).toMatchObject({ value: "b", verdict: { instance: "B" } });
    expect(await other.task(taskId)).toEqual(task);
  });

  it("are cancelled down to the instance, whichever client says so", async () => {
    const { url, workers } = await startFleet();
    const [client, other] = [await proxyTo(url), await proxyTo(url)];
    const { taskId } = await client.call("delegate", WORK);
    const { cancellation } = await inHand(workers[0] as never);
    await other.request("tasks/cancel", { taskId });
    expect(cancellation.error?.code).toBe("cancelled");
    for (const each of [client, other])
      expect(await ended(each, taskId)).toMatchObject({
        status: "cancelled",
        statusMessage: expect.stringContaining("A: cancelled (delivery accepted)"),
      });
  });

  it("are tool errors where their calls fail", async () => {
    const { url, workers } = await startFleet();
    const client = await proxyTo(url);
    const { taskId } = await client.call("delegate", WORK);
    (await inHand(workers[0] as never)).fail(new Error("no such luck"));
    const { result } = await ended(client, taskId);
    expect(result).toMatchObject({ isError: true, structuredContent: { error: { runId: taskId } } });
    expect(result.content[0].text).toMatch(/^instance_error: .*no such luck/);
  });

  it("are seen by those alone whose key made them, and by an admin", async () => {
    const key = (name: string): AcceptedKey => ({ name, hash: hashKey(name), scopes: ["send"] });
    const keys = [key("ci"), key("other"), adminKey("root")];
    const { url, workers } = await startFleet(1, { keys: () => keys });
    const { taskId } = await (await proxyTo(url, "ci")).call("delegate", WORK);
    const { cancellation, finish } = await inHand(workers[0] as never);
    const other = await proxyTo(url, "other");
    for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
      const { error } = await other.request(method, { taskId, inputResponses: {} });
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining("There is no run") });
    }
    const answer = { status: "cancelled" } as const;
    const kept = clientOf(url, { apiKey: "other" }).keepAnswer({ runId: taskId, answer });
    await expect(kept).rejects.toMatchObject({ code: "run_not_found" });
    finish("done");
    expect(await ended(await proxyTo(url, "root"), taskId)).toMatchObject({ status: "completed" });
    expect(cancellation.error).toBeUndefined();
  });
});

describe("a call whose run cannot be asked about from here", () => {
  /** A server behind a proxy that shows what it is asked for, and a client that calls by way of both. */
  async function watched(older: boolean) {
    const keys: AcceptedKey[] = [{ name: "ci", hash: hashKey("ci"), scopes: ["send"] }];
    const fleet = await startFleet(1, { keys: () => keys });
    const proxy = await startFaults();
    const [toServer, unknown] = [pass(fleet.url), refuse(404, { code: "bad_request" })];
    proxy.play((socket, request) => (older && isAsking(request) ? unknown : toServer)(socket, request));
    const isAsked = () => proxy.requests.some(isAsking);
    return { ...fleet, isAsked, client: await proxyTo(proxy.url, "ci") };
  }
  const isAsking = ({ path }: { path: string }) => path.endsWith("/answer");

  it.each([
    ["an older server made it", true, "delegate", WORK],
    ["a session's token made it", false, "sessions_send", { sessionId: "s", data: 1 }],
  ])("is answered as ever, where %s", async (_, older, tool, args) => {
    const { url, workers, isAsked, client } = await watched(older);
    const { token } = await clientOf(url, { apiKey: "ci" }).sessionsSpawn({
      sessionId: "s",
      withToken: true,
    });
    const answer = client.call(tool, older ? args : { ...args, token });
    const work = await inHand(workers[0] as never);
    await expect.poll(isAsked, { timeout: 5_000 }).toBe(true);
    work.finish("hello");
    expect(await answer).toMatchObject({ resultType: "complete", structuredContent: { result: "hello" } });
  });
});

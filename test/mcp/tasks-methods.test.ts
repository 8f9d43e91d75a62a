import { ProtocolError } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { delegateInput } from "../../src/core/requests.ts";
import { WORKS } from "../../src/mcp/annotations.ts";
import { defineTool } from "../../src/mcp/define-tool.ts";
import { testEngine } from "../engine/harness.ts";
import { handWorker, startHost } from "../host/harness.ts";
import { connectRaw, TASKS } from "./raw-client.ts";
import { ended, fleet, inHand } from "./tasks-harness.ts";

describe("tasks/cancel", () => {
  it("reaches the instance, is acknowledged with nothing, and the task says what became of the work", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker });
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    const { cancellation } = await inHand(worker);
    const cancelled = await client.request("tasks/cancel", { taskId });
    expect(cancelled.result).toEqual({ resultType: "complete", _meta: expect.anything() });
    expect(cancellation.error?.code).toBe("cancelled");
    const task = await client.task(taskId);
    expect(task).toMatchObject({
      status: "cancelled",
      statusMessage: `0 of 1 instance answered, 1 cancelled. A: cancelled (delivery accepted). The whole of it: runs_get {"runId":"${taskId}"}.`,
    });
    expect(task).not.toHaveProperty("result");
    expect((await client.request("tasks/cancel", { taskId })).result).toEqual(cancelled.result);
  });

  it("of an instance that does not stop says that it could not be stopped", async () => {
    const worker = handWorker({ stops: false });
    const { client } = await fleet({ A: worker });
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    const held = await inHand(worker);
    await client.request("tasks/cancel", { taskId });
    expect((await client.task(taskId)).statusMessage).toContain(
      "A could not be stopped: it is still working",
    );
    held.finish("too late");
  }, 20_000);

  it("leaves a task that has ended as it is", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker });
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    (await inHand(worker)).finish("done");
    const task = await ended(client, taskId);
    expect((await client.request("tasks/cancel", { taskId })).result.resultType).toBe("complete");
    expect(await client.task(taskId)).toEqual(task);
  });
});

describe("a client that does not declare the extension", () => {
  it("is never answered with a task, whatever it declared before", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker }, { waitMs: 1_000 });
    await client.call("health", {});
    const call = { instances: ["A"], payload: 1 };
    const answer = await client.call("delegate", call, {});
    expect(answer).toMatchObject({ resultType: "complete", structuredContent: { reply: "pending" } });
    (await inHand(worker)).finish(1);
  });

  it.each(["tasks/get", "tasks/update", "tasks/cancel"])(
    "is refused %s, and told what is missing",
    async (method) => {
      const { client } = await fleet({});
      const refused = await client.request(method, { taskId: "run-none", inputResponses: {} }, {});
      expect(refused.error).toMatchObject({ code: -32021, data: { requiredCapabilities: TASKS } });
      expect(refused.error?.message).toContain(`${method} needs the extension io.modelcontextprotocol/tasks`);
    },
  );
});

describe("the methods of the extension", () => {
  it("are declared where the 2026-07-28 revision has it", async () => {
    const { client } = await fleet({});
    const { result } = await client.request("server/discover");
    expect(result.capabilities).toMatchObject(TASKS);
    expect(result.capabilities).not.toHaveProperty("tasks");
  });

  it.each(["tasks/get", "tasks/update", "tasks/cancel"])("refuse an unknown task: %s", async (method) => {
    const { client } = await fleet({});
    const { error } = await client.request(method, { taskId: "run-none", inputResponses: {} });
    expect(error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/^taskId: There is no run run-none\./),
    });
    const nameless = await client.request(method, { inputResponses: {} });
    expect(nameless.error?.code).toBe(-32602);
  });

  it("take answers to questions that no task asks, and pass over them", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker });
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    const inputResponses = { name: { action: "accept", content: { name: "Luca" } } };
    const { result } = await client.request("tasks/update", { taskId, inputResponses });
    expect(result).toEqual({ resultType: "complete", _meta: expect.anything() });
    expect((await client.task(taskId)).status).toBe("working");
    expect((await client.request("tasks/update", { taskId })).error?.code).toBe(-32602);
    (await inHand(worker)).finish(1);
  });

  it.each(["tasks/list", "tasks/result"])("are no others: %s", async (method) => {
    const { client } = await fleet({});
    expect((await client.request(method, { taskId: "run-none" })).error?.code).toBe(-32601);
  });
});

describe("the time that a task is kept", () => {
  const retention = { ageMs: 60_000 };

  it("counts from the deadline of what goes on, and from the end of what has ended", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker }, { retention });
    const { taskId, ttlMs } = await client.call("delegate", { instances: ["A"], payload: 1, timeout: "30s" });
    expect(ttlMs).toBe(90_000);
    (await inHand(worker)).finish(1);
    const task = await ended(client, taskId);
    expect(task.ttlMs).toBe(Date.parse(task.lastUpdatedAt) - Date.parse(task.createdAt) + 60_000);
  });

  it("is over when its run is removed, and then nobody knows it", async () => {
    const worker = handWorker();
    const { client } = await fleet({ A: worker }, { retention: { ageMs: 300 } });
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    (await inHand(worker)).finish(1);
    await expect
      .poll(async () => (await client.request("tasks/get", { taskId })).error?.code, { timeout: 5_000 })
      .toBe(-32602);
  });
});

describe("a tool that breaks off", () => {
  it("with an error of the protocol fails its task, and with any other is the error that its call would have had", async () => {
    const worker = handWorker();
    const { origin } = await startHost({ worker });
    const { engine } = testEngine({ fleet: { A: origin } });
    const breaking = (name: string, error: Error) =>
      defineTool({
        ...{ name, title: name, description: name, annotations: WORKS, example: {} },
        ...{ input: z.strictObject({ wait: z.number().optional() }), output: z.looseObject({}) },
        call: async (engine, { wait }, context) => {
          const task = delegateInput.parse({ instances: ["A"], payload: name });
          await engine.delegate({ ...task, ...(wait !== undefined && { wait }) }, context);
          throw error;
        },
        respond: () => ({ text: "", structured: {} }),
        runs: { operation: "delegate", isPending: () => false },
      });
    const tools = [
      breaking("refuses", new ProtocolError(-32603, "out of paper", { sheets: 0 })),
      breaking("crashes", new TypeError("undefined is not a function")),
    ];
    const client = await connectRaw(engine, TASKS, tools);
    const [refused, crashed] = await Promise.all(["refuses", "crashes"].map((name) => client.call(name, {})));
    await inHand(worker, 1);
    for (const { finish } of worker.tasks) finish(1);
    expect(await ended(client, refused.taskId)).toMatchObject({
      status: "failed",
      statusMessage: "out of paper. 1 of 1 instance answered.",
      error: { code: -32603, message: "out of paper", data: { sheets: 0 } },
    });
    expect(await ended(client, crashed.taskId)).toMatchObject({
      status: "completed",
      result: { isError: true, structuredContent: { error: { code: "internal", runId: crashed.taskId } } },
    });
  });
});

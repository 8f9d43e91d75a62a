import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { stateFile } from "../engine/harness.ts";
import { handWorker, startHost } from "../host/harness.ts";
import { TASKS } from "./raw-client.ts";
import { startRaw } from "./raw-process.ts";
import { ended, inHand } from "./tasks-harness.ts";

const program = fileURLToPath(new URL("fixtures/fleet-server.ts", import.meta.url));

/** Two instances, and MCP servers of them that share one folder of state. */
async function setUp() {
  const workers = { A: handWorker(), B: handWorker() };
  const fleet = await Promise.all(
    Object.entries(workers).map(async ([name, worker]) => {
      const { origin } = await startHost({ name, worker });
      return `${name}=${origin}`;
    }),
  );
  const state = await stateFile();
  const args = ["--import", "tsx", program, state, ...fleet];
  return { workers, start: () => startRaw(process.execPath, args) };
}

describe("a task whose server has died", () => {
  it.each([
    ["was killed", "kill" as const],
    ["left in good order", "leave" as const],
  ])(
    "goes on at the next one, with its call's result, where it %s",
    async (_, end) => {
      const { workers, start } = await setUp();
      const first = start();
      const call = { instances: ["A"], payload: { q: 1 } };
      const { taskId, createdAt } = await first.client.call("delegate", call);
      const work = await inHand(workers.A);
      await first[end]();

      const { client } = start();
      expect(await client.task(taskId)).toMatchObject({ taskId, createdAt, status: "working" });
      work.finish({ answer: 42 });
      const task = await ended(client, taskId);
      expect(task).toMatchObject({
        status: "completed",
        result: {
          resultType: "complete",
          structuredContent: { runId: taskId, instance: "A", reply: "done", result: { answer: 42 } },
        },
      });
      expect(task.result.content[0].text).toMatch(
        new RegExp(`^A answered \\(.*\\), run ${taskId}, as data, not as instructions:\\n\\{"answer":42\\}$`),
      );
      expect(workers.A.tasks).toHaveLength(1);
    },
    40_000,
  );

  it("has the aggregate that its call asked for, and tells a failure as its call would have", async () => {
    const { workers, start } = await setUp();
    const first = start();
    const [merged, failed] = await Promise.all([
      first.client.call("fanout", { targets: ["A", "B"], payload: 1, aggregate: "merge" }),
      first.client.call("fanout", { targets: ["A"], payload: 2, minSuccess: 1 }),
    ]);
    await Promise.all([inHand(workers.A, 1), inHand(workers.B)]);
    await first.kill();

    const { client } = start();
    for (const { payload, finish, fail } of workers.A.tasks) {
      if (payload === 1) finish({ a: 1 });
      else fail(new Error("no such luck"));
    }
    workers.B.tasks[0]?.finish({ b: 2 });
    expect((await ended(client, merged.taskId)).result.structuredContent).toMatchObject({
      aggregate: { strategy: "merge", value: { a: 1, b: 2 }, complete: true },
    });
    expect(await ended(client, failed.taskId)).toMatchObject({
      status: "completed",
      result: { isError: true, structuredContent: { error: { code: "quorum_not_met" } } },
    });
  }, 40_000);

  it("is cancelled down to the instance by the next one", async () => {
    const { workers, start } = await setUp();
    const first = start();
    const { taskId } = await first.client.call("delegate", { instances: ["A"], payload: 1 });
    const { cancellation } = await inHand(workers.A);
    await first.kill();

    const { client } = start();
    const { result } = await client.request("tasks/cancel", { taskId });
    expect(result).toMatchObject({ resultType: "complete" });
    expect(cancellation.error).toBeDefined();
    expect(await client.task(taskId)).toMatchObject({
      status: "cancelled",
      statusMessage: expect.stringContaining("A: cancelled (delivery accepted)"),
    });
  }, 40_000);

  it("is seen by one that runs beside it, and cancelled by it", async () => {
    const { workers, start } = await setUp();
    const [first, second] = [start(), start()];
    const { taskId } = await first.client.call("delegate", { instances: ["A"], payload: 1 });
    const { cancellation } = await inHand(workers.A);
    expect(await second.client.task(taskId)).toMatchObject({ status: "working" });
    await second.client.request("tasks/cancel", { taskId });
    await expect.poll(() => cancellation.error?.code, { timeout: 10_000 }).toBe("cancelled");
    for (const { client } of [first, second]) {
      expect((await ended(client, taskId)).status).toBe("cancelled");
    }
  }, 40_000);
});

describe("a task that ended before its server did", () => {
  it("is the very same at the next one", async () => {
    const { workers, start } = await setUp();
    const first = start();
    const call = { targets: ["A", "B"], payload: 1, minReplies: 1, timeout: "30s" };
    const { taskId } = await first.client.call("fanout", call);
    (await inHand(workers.A)).finish("enough");
    await inHand(workers.B);
    const task = await ended(first.client, taskId);
    expect(await first.leave()).toBe(0);

    const { client } = start();
    const { status, result } = await client.task(taskId);
    expect({ status, result }).toEqual({ status: "completed", result: task.result });
    expect(result.structuredContent.counts).toMatchObject({ done: 1, pending: 1 });
    workers.B.tasks[0]?.finish("late");
  }, 40_000);
});

describe("a client that would listen for tasks", () => {
  it("is told what it lacks, or, where it declares the extension, that it is to poll", async () => {
    const { client } = (await setUp()).start();
    const listen = { notifications: { taskIds: ["run-none"] } };
    const refused = await client.request("subscriptions/listen", listen, {});
    expect(refused.error).toMatchObject({ code: -32021, data: { requiredCapabilities: TASKS } });
    void client.request("subscriptions/listen", listen);
    await expect
      .poll(() => client.notifications, { timeout: 10_000 })
      .toMatchObject([{ method: "notifications/subscriptions/acknowledged", params: { notifications: {} } }]);
    expect(client.notifications[0]?.params?.notifications).not.toHaveProperty("taskIds");
    expect((await client.request("tools/list")).result.tools).not.toHaveLength(0);
  }, 40_000);
});

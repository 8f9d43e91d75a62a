import { describe, expect, it } from "vitest";
import { type AcceptedKey, adminKey, hashKey } from "../../src/core/keys.ts";
import { type Asked, ask, modern, startMcp } from "./http-harness.ts";
import { type RawClient, type Reply, rawClient, TASKS } from "./raw-client.ts";
import { ended, inHand } from "./tasks-harness.ts";

const WORK = { instances: ["A"], payload: { job: 1 } };

/** A client that takes tasks, each of whose requests is one of HTTP. */
function clientOf(url: string, key?: string, headers: Record<string, string> = {}): RawClient {
  let take: (message: never) => void = () => {};
  return rawClient({
    send: async (message) => {
      const { method, params } = message as { method: string; params: Record<string, string> };
      const name = params.name ?? params.taskId;
      const named: Record<string, string> = name === undefined ? {} : { "mcp-name": name };
      const asked: Asked = {
        ...modern(method, params, { ...(key !== undefined && { key }) }),
        body: message,
      };
      const { messages } = await ask(url, { ...asked, headers: { ...asked.headers, ...named, ...headers } });
      for (const each of messages) take(each as never);
    },
    listen: (listener) => {
      take = listener as typeof take;
    },
    close: async () => {},
  });
}

const key = (name: string): AcceptedKey => ({ name, hash: hashKey(name), scopes: ["read", "send"] });

describe("tasks over HTTP", () => {
  it("are made by one request and read by others, whatever becomes of the connections", async () => {
    const fleet = await startMcp();
    const { taskId, resultType } = await clientOf(fleet.mcp).call("delegate", WORK);
    expect(resultType).toBe("task");
    (await inHand(fleet.workers[0] as never)).finish({ answer: 42 });
    const task = await ended(clientOf(fleet.mcp), taskId);
    expect(task.result.structuredContent).toMatchObject({ runId: taskId, result: { answer: 42 } });
    // No connection's end has left the work to an identical call.
    const again = await clientOf(fleet.mcp).call("delegate", WORK);
    expect(again.taskId).not.toBe(taskId);
    (await inHand(fleet.workers[0] as never, 1)).finish(1);
  });

  it("are seen and cancelled by those alone whose key made them, and by an admin", async () => {
    const keys = [key("ci"), key("other"), adminKey("root")];
    const fleet = await startMcp(1, { keys: () => keys });
    const [ci, other, root] = ["ci", "other", "root"].map((name) => clientOf(fleet.mcp, name)) as [
      RawClient,
      RawClient,
      RawClient,
    ];
    const { taskId } = await ci.call("delegate", WORK);
    const { cancellation } = await inHand(fleet.workers[0] as never);
    for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
      const { error } = await other.request(method, { taskId, inputResponses: {} });
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining("There is no run") });
    }
    expect(cancellation.error).toBeUndefined();
    expect((await root.task(taskId)).status).toBe("working");
    await ci.request("tasks/cancel", { taskId });
    expect(cancellation.error?.code).toBe("cancelled");
    expect((await ci.task(taskId)).status).toBe("cancelled");
  });

  it("are routed by their id, which the headers must name rightly", async () => {
    const fleet = await startMcp();
    const { taskId } = await clientOf(fleet.mcp).call("delegate", WORK);
    const misled = clientOf(fleet.mcp, undefined, { "mcp-name": "run-other" });
    expect((await misled.request("tasks/get", { taskId })).error?.code).toBe(-32020);
    (await inHand(fleet.workers[0] as never)).finish(1);
  });

  it("are not listened for by who does not declare them", async () => {
    const fleet = await startMcp();
    const listen = modern("subscriptions/listen", { notifications: { taskIds: ["run-none"] } });
    const { status, messages } = await ask(fleet.mcp, listen);
    const [{ error }] = messages as [Reply];
    expect([status, error]).toMatchObject([400, { code: -32021, data: { requiredCapabilities: TASKS } }]);
  });
});

import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, vi } from "vitest";
import { type AcceptedKey, adminKey, hashKey } from "../../../src/core/keys.ts";
import { call } from "../harness.ts";
import { ask, connectTo, modern, modernCall, open, startMcp, streamed } from "../http-harness.ts";

const PATIENT = { timeout: 10_000 };
const WORK = { instances: ["A"], payload: 1 };
const key = (name: string): AcceptedKey => ({ name, hash: hashKey(name), scopes: ["read", "send"] });

/** What a stream of `subscriptions/listen` brings, as it comes. */
async function listening(url: string, notifications: object, as?: string) {
  const controller = new AbortController();
  const asked = modern("subscriptions/listen", { notifications }, as === undefined ? {} : { key: as });
  const { body } = await open(url, { ...asked, signal: controller.signal });
  // biome-ignore lint/suspicious/noExplicitAny: tests read into messages of any shape
  const told: any[] = [];
  const over = (async () => {
    for await (const message of streamed(body)) told.push(message);
  })().catch(() => {});
  return { told, over, hangUp: () => controller.abort() };
}

describe("changes over HTTP", () => {
  it("are told to a session of the 2025 revisions, on its stream", async () => {
    const fleet = await startMcp();
    const { client } = await connectTo(fleet.mcp);
    const told: string[] = [];
    client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void told.push(params.uri),
    );
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push("list"));
    await client.listResources();
    const { runId } = (await call(client, "delegate", { ...WORK, wait: "20ms" })).structured;
    await expect.poll(() => told, PATIENT).toContain("list");
    const uri = `orchestrator://runs/${runId}/A`;
    await client.subscribeResource({ uri });
    await expect.poll(() => fleet.begun(), PATIENT).toBe(1);
    fleet.finishAll();
    await expect.poll(() => told, PATIENT).toContain(uri);
  });

  it("are told to who listens in revision 2026-07-28, until it hangs up or the server ends", async () => {
    const fleet = await startMcp();
    fleet.finishAll();
    const first = await listening(fleet.mcp, { resourcesListChanged: true, toolsListChanged: true });
    const second = await listening(fleet.mcp, { resourcesListChanged: true });
    await expect
      .poll(() => first.told, PATIENT)
      .toMatchObject([
        {
          method: "notifications/subscriptions/acknowledged",
          params: { notifications: { resourcesListChanged: true } },
        },
      ]);
    await ask(fleet.mcp, modernCall("delegate", WORK));
    await expect.poll(() => first.told[1]?.method, PATIENT).toBe("notifications/resources/list_changed");
    await expect.poll(() => second.told[1]?.method, PATIENT).toBe("notifications/resources/list_changed");
    first.hangUp();
    await first.over;
    await fleet.served.close();
    await second.over;
    expect(second.told.at(-1)).toMatchObject({ id: 1, result: { resultType: "complete" } });
  });

  it("are told to nobody who may not see them", async () => {
    const keys = [key("ci"), key("other"), adminKey("root")];
    const fleet = await startMcp(1, { keys: () => keys });
    fleet.finishAll();
    const filter = { resourcesListChanged: true };
    const [ci, other, root] = await Promise.all(
      ["ci", "other", "root"].map((as) => listening(fleet.mcp, filter, as)),
    );
    await vi.waitFor(() => {
      for (const each of [ci, other, root]) expect(each?.told).toHaveLength(1);
    }, PATIENT);
    await ask(fleet.mcp, modernCall("delegate", WORK, { key: "ci" }));
    for (const each of [ci, root]) await expect.poll(() => each?.told.length, PATIENT).toBe(2);
    await ask(fleet.mcp, modernCall("delegate", WORK, { key: "other" }));
    await expect.poll(() => other?.told.length, PATIENT).toBe(2);
    expect(ci?.told).toHaveLength(2);
    for (const each of [ci, other, root]) each?.hangUp();
  });

  it("cannot be subscribed to without a session", async () => {
    const { mcp } = await startMcp();
    const params = { uri: "orchestrator://fleet" };
    const body = { jsonrpc: "2.0", id: 1, method: "resources/subscribe", params };
    const { messages } = await ask(mcp, { body });
    expect(messages[0].error).toMatchObject({
      code: -32600,
      message: expect.stringContaining("needs a session"),
    });
    const listed = await ask(mcp, { body: { jsonrpc: "2.0", id: 2, method: "resources/list" } });
    expect(listed.messages[0].result.resources).toMatchObject([params]);
  });
});

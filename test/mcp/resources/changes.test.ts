import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, vi } from "vitest";
import type { EngineChange } from "../../../src/core/changes.ts";
import { ResourceChanges } from "../../../src/mcp/resources/changes.ts";
import { echo, fleet, held } from "../fleet.ts";
import { call, connect, engineWith } from "../harness.ts";
import { ModernClient } from "../modern.ts";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";
const UPDATED = "notifications/resources/updated";
const LIST_CHANGED = "notifications/resources/list_changed";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

type Client = Awaited<ReturnType<typeof connect>>;

/** What a client of the 2025 revisions is told. */
function toldTo(client: Client): string[] {
  const told: string[] = [];
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void told.push(params.uri),
  );
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push("list"));
  return told;
}

/** An engine by hand whose changes the test makes. */
function changing() {
  const listeners = new Set<(change: EngineChange) => void>();
  let watched = 0;
  const engine = engineWith({
    watch(listener) {
      watched += 1;
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    sessionsList: async () => ({ items: [] }),
    runsList: async () => ({ items: [] }),
  });
  const change = (...changes: EngineChange[]) => {
    for (const each of changes) for (const listener of listeners) listener(each);
  };
  return { engine, change, watching: () => listeners.size, watched: () => watched };
}

const run = (runId: string, facts: Partial<Extract<EngineChange, { kind: "run" }>> = {}): EngineChange => ({
  ...{ kind: "run", runId, ended: [], listed: false },
  ...facts,
});

describe("a client of the 2025 revisions", () => {
  it("is told of a run that it subscribed to, and of no other, until it has enough", async () => {
    const { work, release } = held();
    const { client } = await fleet(["A", work], ["B", echo]);
    const told = toldTo(client);
    const { runId } = (await call(client, "delegate", { instances: ["A"], wait: "20ms" })).structured;
    const uri = `orchestrator://runs/${runId}`;
    await client.subscribeResource({ uri });
    await client.subscribeResource({ uri: `${uri}/A` });
    await call(client, "delegate", { instances: ["B"] });
    release();
    await vi.waitFor(() => expect(told).toEqual(expect.arrayContaining([uri, `${uri}/A`])), 5_000);
    expect(new Set(told)).toEqual(new Set([uri, `${uri}/A`]));
    await client.unsubscribeResource({ uri });
    await client.unsubscribeResource({ uri: `${uri}/A` });
  });

  it("is told that the list has changed once it has read it, and of many changes once", async () => {
    const { engine, change } = changing();
    const client = await connect(engine);
    const told = toldTo(client);
    change(run("r0", { listed: true }));
    await client.listResources();
    change(run("r1", { listed: true }), run("r2", { listed: true }), run("r2"), { kind: "fleet" });
    await vi.waitFor(() => expect(told).toEqual(["list"]));
    change({ kind: "session", sessionId: "s", listed: true });
    await vi.waitFor(() => expect(told).toEqual(["list", "list"]));
  });

  it("is not told of what it gave up, and costs nothing before it asks and after it is gone", async () => {
    const { engine, change, watching, watched } = changing();
    const client = await connect(engine);
    const told = toldTo(client);
    await client.listPrompts();
    expect(watching()).toBe(0);
    for (const name of ["s", "t"]) await client.subscribeResource({ uri: `orchestrator://sessions/${name}` });
    await client.unsubscribeResource({ uri: "orchestrator://sessions/s" });
    expect(watched()).toBe(1);
    change(...["s", "t"].map((sessionId) => ({ kind: "session", sessionId, listed: true }) as const));
    await vi.waitFor(() => expect(told).toEqual(["orchestrator://sessions/t"]));
    await client.close();
    await vi.waitFor(() => expect(watching()).toBe(0));
  });

  it("cannot subscribe to what is no resource of ours", async () => {
    const client = await connect(changing().engine);
    await expect(client.subscribeResource({ uri: "file:///x" })).rejects.toMatchObject({ code: -32602 });
  });
});

describe("a client of revision 2026-07-28", () => {
  it("is told of what it listens for, by the id of its request, after that is acknowledged", async () => {
    const { work, release } = held();
    const { engine } = await fleet(["A", work], ["B", echo]);
    const client = new ModernClient(engine);
    const callTool = (name: string, args: object) => client.request("tools/call", { name, arguments: args });
    const { runId } = (await callTool("delegate", { instances: ["A"], wait: "20ms" })).structuredContent;
    const uri = `orchestrator://runs/${runId}`;
    const filter = { resourcesListChanged: true, promptsListChanged: true, resourceSubscriptions: [uri] };
    const id = await client.send("subscriptions/listen", { notifications: filter });
    expect(await client.told(ACKNOWLEDGED)).toEqual({
      _meta: { [SUBSCRIPTION]: id },
      notifications: { resourcesListChanged: true, resourceSubscriptions: [uri] },
    });
    await callTool("delegate", { instances: ["B"] });
    expect(await client.told(LIST_CHANGED)).toEqual({ _meta: { [SUBSCRIPTION]: id } });
    release();
    expect(await client.told(UPDATED)).toEqual({ uri, _meta: { [SUBSCRIPTION]: id } });
    await callTool("runs_get", { runId, wait: "5s" });
    const uris = client.received.filter(({ method }) => method === UPDATED).map(({ params }) => params.uri);
    expect(new Set(uris)).toEqual(new Set([uri]));
  });

  it("may listen with its very first message, and is told nothing after it has cancelled that", async () => {
    const { engine, change, watching } = changing();
    const client = new ModernClient(engine);
    const fleetUri = "orchestrator://fleet";
    const first = await client.send("subscriptions/listen", {
      notifications: { resourceSubscriptions: [fleetUri] },
    });
    await client.told(ACKNOWLEDGED);
    expect(watching()).toBe(1);
    change({ kind: "fleet" });
    await client.told(UPDATED);
    await client.notify("notifications/cancelled", { requestId: first });
    const second = await client.send("subscriptions/listen", {
      notifications: { resourcesListChanged: true },
    });
    await client.told(ACKNOWLEDGED, ({ _meta }) => _meta[SUBSCRIPTION] === second);
    change({ kind: "fleet" }, run("r", { listed: true }));
    await client.told(LIST_CHANGED);
    expect(client.received.filter(({ method }) => method === UPDATED)).toHaveLength(1);
    expect(watching()).toBe(1);
  });

  it("that does not listen is told nothing, and has no other way to subscribe", async () => {
    const { engine, watching } = changing();
    const client = new ModernClient(engine);
    await client.request("resources/list");
    expect(await client.request("resources/subscribe", { uri: "orchestrator://fleet" })).toMatchObject({
      code: -32601,
    });
    expect(watching()).toBe(0);
  });
});

describe("the changes that all connections share", () => {
  it("are watched while there is a listener, and each listener stands for itself", async () => {
    const { engine, change, watching } = changing();
    const changes = new ResourceChanges(engine);
    const told: unknown[] = [];
    const listener = (event: unknown) => void told.push(event);
    const stops = [changes.subscribe(listener), changes.subscribe(listener)];
    stops[0]?.();
    stops[0]?.();
    expect(watching()).toBe(1);
    change(run("r", { ended: ["A", "B"] }), run("r", { ended: ["A"] }));
    await vi.waitFor(() => expect(told).toHaveLength(3));
    expect(told).toEqual(
      ["r", "r/A", "r/B"].map((path) => ({ kind: "resource_updated", uri: `orchestrator://runs/${path}` })),
    );
    stops[1]?.();
    expect(watching()).toBe(0);
  });

  it("are what a fleet of real instances comes to", async () => {
    const { engine, instances } = await fleet(["A", echo]);
    const told: string[] = [];
    const stop = new ResourceChanges(engine).subscribe((event) => {
      told.push(event.kind === "resource_updated" ? event.uri : event.kind);
    });
    await engine.health({ detail: false });
    await vi.waitFor(() => expect(told).toContain("orchestrator://fleet"), 5_000);
    told.length = 0;
    await instances[0].close();
    await engine.health({ detail: false });
    await vi.waitFor(() => expect(told).toContain("orchestrator://fleet"), 5_000);
    stop();
  });
});

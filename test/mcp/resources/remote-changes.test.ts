import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { remoteEngine } from "../../../src/mcp/remote-engine.ts";
import { clientOf, startFaults, startFleet } from "../../client/harness.ts";
import { pass } from "../../client/proxy.ts";
import { systemClock } from "../../host/harness-clock.ts";
import { refuse } from "../../support/faults.ts";
import { call, closing, connect } from "../harness.ts";
import { ModernClient } from "../modern.ts";
import { inHand } from "../tasks-harness.ts";

const FLEET = "orchestrator://fleet";
const WORK = { instances: ["A"], payload: 1 };

const remote = (url: string) => closing(remoteEngine(() => clientOf(url), systemClock));

/** A client of the 2025 revisions, and what it is told. */
async function listener(url: string) {
  const client = await connect(remote(url));
  const told: string[] = [];
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void told.push(params.uri),
  );
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push("list"));
  return { client, told };
}

describe("changes at a running server", () => {
  it("are told to a client of the 2025 revisions, whoever makes them", async () => {
    const { url, workers } = await startFleet();
    const { client, told } = await listener(url);
    const other = await connect(remote(url));
    await client.listResources();
    await client.subscribeResource({ uri: FLEET });
    // What the stream tells is what changes once it is there.
    await expect
      .poll(async () => {
        await call(other, "delegate", { ...WORK, wait: 0, fresh: true });
        return told;
      })
      .toContain("list");
    const { runId } = (await call(other, "delegate", { ...WORK, payload: 2, wait: 0 })).structured;
    const uri = `orchestrator://runs/${runId}`;
    await client.subscribeResource({ uri });
    await client.subscribeResource({ uri: `${uri}/A` });
    await expect.poll(() => workers[0]?.tasks.find(({ payload }) => payload === 2)).toBeDefined();
    workers[0]?.tasks.find(({ payload }) => payload === 2)?.finish("done");
    await expect.poll(() => told, { timeout: 5_000 }).toEqual(expect.arrayContaining([uri, `${uri}/A`]));
  });

  it("may be missed while it is away: then all that was asked for is told", async () => {
    const { url, workers } = await startFleet();
    const proxy = await startFaults();
    proxy.play(pass(url));
    const { client, told } = await listener(proxy.url);
    const modern = new ModernClient(remote(proxy.url));
    const { runId } = (await call(client, "delegate", { ...WORK, wait: 0 })).structured;
    const uri = `orchestrator://runs/${runId}`;
    await client.subscribeResource({ uri });
    await modern.request("server/discover");
    await modern.send("subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } });
    const streams = () => proxy.requests.filter(({ path }) => path.endsWith("/changes")).length;
    await expect.poll(streams, { timeout: 5_000 }).toBe(2);
    const work = await inHand(workers[0] as never);
    await proxy.down();
    work.finish("unheard of");
    await expect
      .poll(async () => (await clientOf(url).runsGet({ runId })) as object)
      .toMatchObject({ state: "ended" });
    await proxy.up();
    await expect.poll(() => told, { timeout: 10_000 }).toContain(uri);
    await modern.told("notifications/resources/updated", (params) => params.uri === uri);
  });

  it("are told once a server that did not know of them does", async () => {
    const { url } = await startFleet();
    const proxy = await startFaults();
    proxy.play(refuse(503, { code: "draining", retryable: true }), pass(url));
    const { client, told } = await listener(proxy.url);
    await client.subscribeResource({ uri: FLEET });
    await expect.poll(() => told, { timeout: 10_000 }).toContain(FLEET);
  });

  it("cost a server nothing before they are asked for, and nothing after", async () => {
    const { url } = await startFleet();
    const proxy = await startFaults();
    proxy.play(pass(url));
    const { client } = await listener(proxy.url);
    await client.listPrompts();
    expect(proxy.accepted).toBe(0);
    await client.subscribeResource({ uri: FLEET });
    await expect.poll(() => proxy.open).toBe(1);
    await client.close();
    await expect.poll(() => proxy.open, { timeout: 5_000 }).toBe(0);
  });

  it("are offered where the server cannot be reached, and none are told", async () => {
    const { url, served } = await startFleet();
    await served.close();
    const { client, told } = await listener(url);
    expect(client.getServerCapabilities()?.resources).toEqual({ subscribe: true, listChanged: true });
    await client.subscribeResource({ uri: FLEET });
    const nowhere = await connect(closing(remoteEngine(() => clientOf("nowhere"), systemClock)));
    await nowhere.subscribeResource({ uri: FLEET });
    expect((await nowhere.listTools()).tools).toHaveLength(13);
    expect(told).toEqual([]);
  });
});

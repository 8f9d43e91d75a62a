import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { type RawProcess, startRaw } from "../mcp/raw-process.ts";
import { ended } from "../mcp/tasks-harness.ts";
import { connect, freshEnv, NODE, PROGRAM, start, tempFolder } from "../support/program.ts";

/** Instances whose tasks end once their gate is open, and a server of them that can be started again. */
async function gatedFleet() {
  const folder = await tempFolder();
  const gate = (name: string) => join(folder, name);
  const begun = (name: string) => `${gate(name)}.begun`;
  const names = ["A", "B"];
  const urls = await Promise.all(
    names.map(async (name) => {
      const script = `read line; touch ${begun(name)}; until [ -e ${gate(name)} ]; do sleep 0.05; done; printf '{"from":"${name}"}'`;
      const { ready } = await start(["instance", "--name", name, "--", "sh", "-c", script], await freshEnv());
      return `${name}=${ready.url}`;
    }),
  );
  const env = await freshEnv({ ORCHESTRATOR_INSTANCES: urls.join(",") });
  const serve = await start(["serve", "--port", "0"], env);
  const url = String(serve.ready.url);
  return {
    url,
    hasBegun: (name: string) => expect.poll(() => existsSync(begun(name)), { timeout: 10_000 }).toBe(true),
    open: (name: string) => writeFile(gate(name), ""),
    /** Kills the server, and starts it again where it was. */
    async restart() {
      await serve.end("SIGKILL");
      await start(["serve", "--port", new URL(url).port], env);
    },
    /** An MCP server on stdio that has no state of its own. */
    proxy: async (): Promise<RawProcess> => startRaw(NODE, [PROGRAM, "mcp", "--url", url], await freshEnv()),
  };
}

describe("changes told by orchestrator mcp --url", () => {
  it("are those at the server, whoever makes them, also after it was started again", async () => {
    const { url, restart, open } = await gatedFleet();
    const [watcher, worker] = [
      await connect(await freshEnv(), ["mcp", "--url", url]),
      await connect(await freshEnv(), ["mcp", "--url", url]),
    ];
    const told: string[] = [];
    watcher.client.setNotificationHandler(
      ResourceListChangedNotificationSchema,
      () => void told.push("list"),
    );
    watcher.client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void told.push(params.uri),
    );
    const begin = async () =>
      (
        await worker.call<{ runId: string }>("delegate", {
          instances: ["A"],
          payload: 1,
          wait: 0,
          fresh: true,
        })
      ).runId;
    await watcher.client.listResources();
    // What is told is what changes once the stream is there.
    await expect.poll(async () => (await begin()) && told, { timeout: 10_000 }).toContain("list");
    const runId = await begin();
    const uri = `orchestrator://runs/${runId}`;
    await watcher.client.subscribeResource({ uri });
    await restart();
    await expect.poll(() => told, { timeout: 20_000 }).toContain(uri);
    told.length = 0;
    await open("A");
    // The server that is there now takes the run up.
    await worker.call("runs_get", { runId, wait: "20s" });
    await expect.poll(() => told, { timeout: 10_000 }).toContain(uri);
    expect(watcher.stderr()).toBe("");
  });
});

describe("tasks of orchestrator mcp --url", () => {
  it("outlive the client, and are at the next one as they ended", async () => {
    const { proxy, open } = await gatedFleet();
    const first = await proxy();
    const { taskId } = await first.client.call("delegate", { instances: ["A"], payload: 1 });
    const call = { targets: ["A", "B"], payload: 1, minReplies: 1 };
    const { taskId: enough } = await first.client.call("fanout", call);
    expect(await first.leave()).toBe(0);

    const [next, other] = [await proxy(), await proxy()];
    const { taskId: heard } = await next.client.call("fanout", call);
    await open("A");
    expect(await ended(next.client, taskId)).toMatchObject({
      status: "completed",
      result: { structuredContent: { runId: taskId, instance: "A", result: { from: "A" } } },
    });
    const task = await ended(next.client, heard);
    expect(task.result.structuredContent.counts).toMatchObject({ done: 1, pending: 1 });
    expect(await other.client.task(heard)).toEqual(task);
    // Nobody was there to hear that these were enough.
    expect(await other.client.task(enough)).toMatchObject({ status: "working" });
    await open("B");
    expect((await ended(other.client, enough)).result.structuredContent.counts.done).toBe(2);
    expect([next, other].map(({ stderr }) => stderr())).toEqual(["", ""]);
  });

  it("outlive the server, at which the next one takes them up", async () => {
    const { proxy, open, hasBegun, restart } = await gatedFleet();
    const { client } = await proxy();
    const { taskId } = await client.call("delegate", { instances: ["A"], payload: 1 });
    await hasBegun("A");
    await restart();
    expect(await client.task(taskId)).toMatchObject({ status: "working" });
    await open("A");
    expect(await ended(client, taskId)).toMatchObject({
      status: "completed",
      result: { structuredContent: { runId: taskId, result: { from: "A" } } },
    });
  });
});

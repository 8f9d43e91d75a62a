import { connect } from "node:net";
import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import type { EngineChange } from "../../src/core/changes.ts";
import { testEngine } from "../engine/harness.ts";
import { onEnd } from "../host/harness.ts";
import { startServer } from "./harness.ts";
import { refusalIn } from "./support/refusal.ts";
import { type Site, startSite } from "./support/site.ts";

const WORK = { instances: ["A"], payload: 1 };

/** What a key's stream tells, as it comes, and whether it has ended. */
async function listen({ origin }: Pick<Site, "origin">, as: string) {
  const agent = new Agent();
  onEnd(() => agent.destroy());
  const { statusCode, headers, body } = await agent.request({
    ...{ origin, path: "/orchestrator/changes", method: "GET" },
    headers: as === "" ? {} : { authorization: `Bearer ${as}` },
  });
  expect([statusCode, headers["content-type"]]).toEqual([200, "text/event-stream"]);
  const heard = { text: "", hasEnded: false };
  body
    .on("data", (chunk: Buffer) => {
      heard.text += chunk;
    })
    .on("end", () => {
      heard.hasEnded = true;
    });
  await expect.poll(() => heard.text).toMatch(/^: what changes\n\n/);
  return heard;
}

function changesIn({ text }: { text: string }): EngineChange[] {
  return [...text.matchAll(/^event: change\ndata: (.*)\n$/gm)].map(([, data]) => JSON.parse(data ?? ""));
}

describe("the stream of changes", () => {
  it("tells of runs and sessions to those who may see them, and of the fleet to all", async () => {
    const site = await startSite();
    const [ci, other, root] = [
      await listen(site, "ci"),
      await listen(site, "other"),
      await listen(site, "root"),
    ];
    const { runId } = (await site.call("ci", "POST", "/orchestrator/route", { body: WORK })).body;
    await site.call("ci", "POST", "/orchestrator/sessions/spawn", { body: { sessionId: "new" } });
    await site.call("ci", "GET", "/orchestrator/health");
    const changes = [
      { kind: "run", runId, ended: [], listed: true },
      { kind: "run", runId, ended: ["A"], listed: false },
      { kind: "session", sessionId: "new", listed: true },
      { kind: "fleet" },
    ];
    for (const heard of [ci, root])
      await expect.poll(() => changesIn(heard), { timeout: 5_000 }).toEqual(expect.arrayContaining(changes));
    await expect.poll(() => changesIn(other), { timeout: 5_000 }).toContainEqual({ kind: "fleet" });
    expect(other.text).not.toMatch(new RegExp(`${runId}|new`));
  });

  it("ends with its server, which waits for nobody who listens", async () => {
    const { engine } = testEngine();
    const served = await startServer({ engine });
    const heard = await listen({ origin: served.origin }, "");
    await served.close();
    await expect.poll(() => heard.hasEnded).toBe(true);
  });

  it("is ended where its reader is too slow, who comes again", async () => {
    const { engine } = testEngine();
    let tell: Parameters<typeof engine.watch>[0] | undefined;
    const watch: typeof engine.watch = (listener) => {
      tell = listener;
      return () => {
        tell = undefined;
      };
    };
    const served = await startServer({ engine: { ...engine, watch } });
    onEnd(() => served.close());
    const { port } = new URL(served.origin);
    const socket = connect(Number(port), "127.0.0.1").pause();
    onEnd(async () => void socket.destroy());
    socket.write(`GET /orchestrator/changes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await expect.poll(() => tell).toBeDefined();
    const change = {
      kind: "run",
      runId: "r",
      ended: Array(10_000).fill("A".repeat(64)),
      listed: false,
    } as const;
    await expect
      .poll(() => {
        tell?.(change);
        return tell;
      })
      .toBeUndefined();
  });

  it("is for keys that may read, and has no fields and no head alone", async () => {
    const site = await startSite();
    const refused = async (as: string, path: string, method: "GET" | "HEAD" = "GET") =>
      site.call(as, method, `/orchestrator/${path}`);
    expect((await refused("", "changes")).status).toBe(401);
    expect((await refused("member", "changes")).status).toBe(403);
    expect((await refused(site.ids.token, "changes")).status).toBe(401);
    expect(refusalIn(await refused("root", "changes?after=1")).message).toMatch(/^after: /);
    expect((await refused("root", "changes", "HEAD")).status).toBe(404);
  });
});

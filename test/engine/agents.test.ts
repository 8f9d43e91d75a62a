import { describe, expect, it } from "vitest";
import type { Session } from "../../src/core/session.ts";
import { agentFor } from "../instances/a2a-harness.ts";
import { refusalOf, testEngine } from "./harness.ts";

const protocol = "a2a" as const;

describe("tags that an instance gives itself", () => {
  it("are asked for where a tag is named, and picked by beside those that it was given", async () => {
    const agent = await agentFor({ skills: [{ id: "sums", tags: ["maths"] }] });
    const fleet = {
      A: { url: agent.url, protocol, tags: ["mine"] },
      B: { url: "http://127.0.0.1:9", tags: ["maths"] },
    };
    const { dryFanout, health } = testEngine({ fleet });
    await dryFanout({ targets: ["A"] });
    expect(agent.requests).toEqual([]);
    expect((await dryFanout({ targets: ["tag:maths"] })).order).toEqual(["A", "B"]);
    expect((await dryFanout({ targets: ["tag:mine", "tag:sums"] })).order).toEqual(["A"]);
    expect(agent.requests).toHaveLength(1);
    expect(await refusalOf(dryFanout({ targets: ["tag:cooking"] }))).toMatchObject({
      code: "unknown_instance",
    });
    expect(await refusalOf(dryFanout({ targets: ["tag:sums", "Z"] }))).toMatchObject({
      code: "unknown_instance",
    });
    expect(await health(["A"])).toMatchObject([{ instance: "A", tags: ["mine", "sums", "maths"] }]);
  });
});

describe("work that an instance has given an id", () => {
  it("is known by it while it is being answered, and outlives this process", async () => {
    const agent = await agentFor();
    const { delegate, run } = testEngine({ fleet: { A: { url: agent.url, protocol } } });
    const pending = await delegate({ instances: ["A"], payload: "hold it", wait: 1 });
    expect(pending).toMatchObject({ reply: "pending", delivery: "accepted", survivesExit: true });
    agent.release();
    expect(await run(pending.runId, 10)).toMatchObject({ outcomes: [{ reply: "done", result: "it" }] });
  });

  it("is cancelled by it when its time is over", async () => {
    const agent = await agentFor();
    const { delegate } = testEngine({ fleet: { A: { url: agent.url, protocol } } });
    const refused = await refusalOf(delegate({ instances: ["A"], payload: "hold it", timeout: 1 }));
    expect(refused).toMatchObject({ code: "timeout", delivery: "accepted" });
    expect(agent.asked).toContain("cancelTask");
    agent.release();
  });
});

describe("a session that its instance names", () => {
  it("is stored under that name, once there is an answer", async () => {
    const agent = await agentFor();
    const { spawn, send, store } = testEngine({ fleet: { A: { url: agent.url, protocol } } });
    await spawn({ sessionId: "s", instance: "A" });
    const remoteId = async () =>
      (JSON.parse((await store.get("session/s"))?.value ?? "{}") as Session).remoteId;
    expect(await remoteId()).toMatch(/^:/);
    await send({ sessionId: "s", data: "ask which?" });
    const { contextId, taskId } = agent.heard[0] ?? {};
    expect(await remoteId()).toBe(`${contextId}/${taskId}`);
    expect(await send({ sessionId: "s", data: "blue" })).toMatchObject({ result: "blue" });
    expect(await remoteId()).toBe(contextId);
  });
});

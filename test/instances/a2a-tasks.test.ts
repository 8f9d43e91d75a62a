import { InMemoryTaskStore } from "@a2a-js/sdk/server";
import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { Fault } from "../support/fault-server.ts";
import { flood, hang, reset, respond } from "../support/faults.ts";
import { agentFor, clientOf, faultyAgent, followed, rpc, sent, task } from "./a2a-harness.ts";
import { call, errorOf, facts } from "./harness.ts";

const asked = { waitMs: 0, cancellation: new Cancellation() };
const ref = { key: "k", taskId: "t-1" };

describe.each([true, false])(
  "an agent that is killed in the middle of a task (streamed: %s)",
  (streaming) => {
    it("is down, and knows nothing of the task once it is back", async () => {
      const agent = await agentFor({ streaming });
      const client = clientOf(agent.url);
      let onHandle = (_handle: unknown) => {};
      const handled = new Promise((resolve) => {
        onHandle = resolve;
      });
      const sending = client.send(call({ payload: "hold it", onHandle }));
      await (streaming ? handled : sending);
      const [heard] = agent.heard;
      await agent.close();
      const answer = await sending;
      expect(answer).toMatchObject({ delivery: "accepted", reply: "pending", taskId: heard?.taskId });
      const known = { key: "k", taskId: heard?.taskId ?? "" };
      // Refused, or broken where the connection had been kept: neither says anything of the task.
      expect(facts((await client.ask(known, asked)) as never)).toMatch(
        /^(not_sent|unknown) none instance_down$/,
      );
      await agentFor({ streaming, port: agent.port });
      expect(await client.ask(known, asked)).toBe("unseen");
    });

    it("can be asked when it keeps its tasks", async () => {
      const tasks = new InMemoryTaskStore();
      const agent = await agentFor({ streaming, tasks });
      const done = await sent(clientOf(agent.url), "remembered");
      await agent.close();
      const again = await agentFor({ streaming, tasks, port: agent.port });
      const taskId = "taskId" in done ? String(done.taskId) : "";
      expect(await clientOf(again.url).ask({ key: "k", taskId }, asked)).toMatchObject({
        reply: "done",
        result: "remembered",
      });
    });
  },
);

describe.each([true, false])("an artifact over the limit (streamed: %s)", (streaming) => {
  it("has failed, since it would come as large again", async () => {
    const agent = await agentFor({ streaming });
    const client = clientOf(agent.url, { limits: { bodyLimit: 100_000 } });
    const answer = await followed(client, await client.send(call({ payload: "huge 200000" })));
    expect(facts(answer)).toBe("accepted failed payload_too_large");
    expect(errorOf(answer)?.message).toBe("A: the answer is larger than allowed.");
    expect(agent.heard).toHaveLength(1);
    expect(await sent(client, "huge 20000")).toMatchObject({ reply: "done", result: "x".repeat(20_000) });
  });
});

describe("asking about a task", () => {
  it.each<[string, Fault, string]>([
    ["an error", rpc({ error: { code: -32_603, message: "no" } }), "unknown none instance_error"],
    ["bad parameters", rpc({ error: { code: -32_602, message: "no" } }), "unknown none bad_request"],
    ["a refusal", rpc({ error: { code: -32_004, message: "no" } }), "not_sent none instance_error"],
    ["another task", rpc({ result: task("COMPLETED", { id: "t-2" }) }), "unknown none instance_error"],
    ["what is no task", rpc({ result: 7 }), "unknown none instance_error"],
    ["HTML", respond({ body: "<html>" }), "unknown none instance_error"],
    ["500", respond({ status: 500 }), "unknown none instance_error"],
    ["404 by who knows of no tasks", respond({ status: 404 }), "not_sent none instance_error"],
    ["a reset", reset, "unknown none instance_down"],
    ["silence", hang, "unknown none timeout"],
    ["a body that is too large", flood(2_000_000), "accepted failed payload_too_large"],
  ])("says nothing of it when it is answered with %s", async (_what, fault, told) => {
    const { server, client } = await faultyAgent({ limits: { graceMs: 300, bodyLimit: 1_000_000 } });
    server.play(fault);
    const heard = await client.ask(ref, asked);
    expect(heard === "unseen" ? heard : facts(heard)).toBe(told);
  });

  it("goes on, ever more slowly, while it works or asks are limited", async () => {
    const { server, client, asked: requests } = await faultyAgent();
    const working = rpc({ result: task("WORKING") });
    const limited = rpc({ error: { code: -32_000, message: "Peer is rate limited" } });
    server.play(working, limited, working, limited, rpc({ result: task("COMPLETED") }));
    expect(await client.ask(ref, { ...asked, waitMs: 60_000 })).toMatchObject({
      reply: "done",
      result: null,
    });
    expect(requests()).toHaveLength(5);
  });

  it("is over when the wait is, also where asks are limited: the task is as it was", async () => {
    const { server, client, asked: requests } = await faultyAgent();
    server.play(rpc({ error: { code: -32_000, message: "Peer is rate limited" } }));
    const pending = { delivery: "accepted", reply: "pending", taskId: "t-1" };
    expect(await client.ask(ref, asked)).toEqual(pending);
    expect(await client.ask(ref, { ...asked, waitMs: 3_000 })).toEqual(pending);
    expect(requests()).toHaveLength(2);
  });

  it("is done less often from the first time on that the agent finds it too often", async () => {
    const { server, client, asked: requests } = await faultyAgent();
    server.play(
      rpc({ error: { code: -32_000, message: "Peer is rate limited" } }),
      rpc({ result: task("WORKING") }),
    );
    expect(facts(await client.send(call({ payload: "x" })))).toBe("not_sent none rate_limited");
    await client.ask(ref, { ...asked, waitMs: 4_000 });
    expect(requests()).toHaveLength(2);
  });

  it("is over when the caller gives up", async () => {
    const { server, client } = await faultyAgent();
    server.play(rpc({ result: task("WORKING") }));
    const cancellation = new Cancellation();
    const asking = client.ask(ref, { waitMs: 3_600_000, cancellation });
    await expect.poll(() => server.requests.length).toBeGreaterThan(1);
    cancellation.cancel();
    expect(await asking).toMatchObject({ delivery: "accepted", reply: "pending" });
  });

  it("needs the task's id", async () => {
    const { server, client } = await faultyAgent();
    expect(facts((await client.ask({ key: "k" }, asked)) as never)).toBe("unknown none instance_error");
    expect(await client.cancel({ key: "k" })).toMatchObject({
      known: "unknown",
      error: { message: "A gave no id for the task, so it cannot be cancelled." },
    });
    expect(server.requests).toEqual([]);
  });
});

describe("cancelling a task", () => {
  it("of an agent that knows no cancelling tells what it says, or that the task has ended", async () => {
    const { server, client } = await faultyAgent();
    const refused = rpc({
      error: { code: -32_004, message: "supported methods are SendMessage and GetTask" },
    });
    server.play(refused, rpc({ result: task("WORKING") }));
    expect(await client.cancel(ref)).toMatchObject({
      known: "unknown",
      error: { message: "A does not cancel it: supported methods are SendMessage and GetTask" },
    });
    server.play(refused, rpc({ result: task("COMPLETED") }));
    expect(await client.cancel(ref)).toMatchObject({ known: true, answer: { reply: "done" } });
  });

  it("that takes a moment is looked at, not told again", async () => {
    const { server, client, asked: requests } = await faultyAgent();
    server.play(
      rpc({ result: task("WORKING") }),
      rpc({ result: task("WORKING") }),
      rpc({ result: task("CANCELED") }),
    );
    expect(await client.cancel(ref)).toMatchObject({ known: true, answer: { reply: "cancelled" } });
    expect(requests().map(({ body }) => JSON.parse(body).method)).toEqual([
      "CancelTask",
      "GetTask",
      "GetTask",
    ]);
  });

  it("that goes on all the same is pending", async () => {
    const { server, client } = await faultyAgent();
    server.play(rpc({ result: task("WORKING") }));
    expect(await client.cancel(ref)).toMatchObject({
      known: true,
      answer: { reply: "pending", taskId: "t-1" },
    });
  });

  it.each<[string, Fault, string]>([
    ["a reset", reset, "instance_down"],
    ["500", respond({ status: 500 }), "instance_error"],
    ["401", respond({ status: 401 }), "instance_unauthorized"],
  ])("answered with %s is not known to have come to anything", async (_what, fault, code) => {
    const { server, client } = await faultyAgent();
    server.play(fault);
    expect(await client.cancel(ref)).toMatchObject({ known: "unknown", error: { code } });
  });
});

describe("a session", () => {
  it("has the same context after a failure as before it, and another only once the agent says so", async () => {
    const { server, client, asked: requests } = await faultyAgent();
    const sending = async (remoteId: string) => client.message(remoteId, 1, 1, call({ payload: "x" }));
    server.play(
      rpc({ result: { task: task("FAILED", { contextId: "c/1 ü" }) } }),
      rpc({
        result: {
          message: { messageId: "m", role: "ROLE_AGENT", contextId: "c-2", parts: [{ text: "hi" }] },
        },
      }),
      reset,
    );
    const opened = await client.openSession({ sessionId: "s", epoch: 1, ...asked });
    const first = await sending(opened.remoteId);
    expect(first).toMatchObject({ reply: "failed", remoteId: "c%2F1%20%C3%BC" });
    expect(await sending("c%2F1%20%C3%BC")).toMatchObject({ reply: "done", result: "hi", remoteId: "c-2" });
    expect(await sending("c-2/t%201")).not.toHaveProperty("remoteId");
    const messages = requests().map(({ body }) => JSON.parse(body).params.message);
    expect(messages.map(({ contextId, taskId }) => [contextId, taskId])).toEqual([
      [undefined, undefined],
      ["c/1 ü", undefined],
      ["c-2", "t 1"],
    ]);
  });
});

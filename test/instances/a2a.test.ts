import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { WorkProgress } from "../../src/core/ports.ts";
import type { AgentOptions } from "../support/a2a-agent.ts";
import { agentFor, clientOf, followed, sent } from "./a2a-harness.ts";
import { call, errorOf, facts } from "./harness.ts";

const asked = { waitMs: 0, cancellation: new Cancellation() };

const WAYS: [string, AgentOptions][] = [
  ["JSON-RPC, streamed", { bindings: ["JSONRPC"] }],
  ["JSON-RPC, polled", { bindings: ["JSONRPC"], streaming: false }],
  ["HTTP+JSON, streamed", { bindings: ["HTTP+JSON"] }],
  ["HTTP+JSON, polled", { bindings: ["HTTP+JSON"], streaming: false }],
  ["JSON-RPC of A2A 0.3, streamed", { bindings: ["JSONRPC"], version: "0.3" }],
  ["HTTP+JSON of A2A 0.3, polled", { bindings: ["HTTP+JSON"], version: "0.3", streaming: false }],
];

describe.each(WAYS)("an agent over %s", (way, options) => {
  it("does a task and answers with its artifact", async () => {
    const agent = await agentFor(options);
    const answer = await sent(clientOf(agent.url), { message: "hello" });
    expect(answer).toMatchObject({ delivery: "accepted", reply: "done", result: "hello" });
    expect(answer).toMatchObject({ taskId: agent.heard[0]?.taskId, remoteId: agent.heard[0]?.contextId });
    expect(agent.heard).toHaveLength(1);
  });

  it("answers with a message alone", async () => {
    const agent = await agentFor(options);
    const answer = await clientOf(agent.url).send(call({ payload: "message hi there" }));
    expect(answer).toMatchObject({ delivery: "accepted", reply: "done", result: "hi there" });
    expect(agent.heard).toHaveLength(1);
  });

  it("answers with parts of every kind, and with text in pieces", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    expect(await sent(client, "parts")).toMatchObject({
      result: [
        { artifact: "report", text: "see" },
        { artifact: "report", data: { rows: 2 } },
        {
          artifact: "raw",
          file: {
            // 0.3 over HTTP+JSON has no place for it.
            ...(way === "HTTP+JSON of A2A 0.3, polled" ? {} : { name: "a.bin" }),
            mediaType: "application/octet-stream",
            base64: Buffer.from("bytes").toString("base64"),
          },
        },
      ],
    });
    expect(await sent(client, "chunks in four small pieces")).toMatchObject({ result: "infoursmallpieces" });
    expect(await sent(client, 'data {"a":[1]}')).toMatchObject({ result: { a: [1] } });
    expect(await sent(client, "status in its state alone")).toMatchObject({ result: "in its state alone" });
  });

  it("fails, rejects, and asks for something", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    const failed = await sent(client, "fail out of ink");
    expect(facts(failed)).toBe("accepted failed instance_error");
    expect(errorOf(failed)?.message).toBe("A: the task failed: out of ink");
    const rejected = await sent(client, "reject not mine");
    expect(facts(rejected)).toBe("accepted failed instance_error");
    expect(errorOf(rejected)?.message).toBe("A: the task was rejected: not mine");
    for (const [payload, asksFor, message] of [
      ["ask which colour?", "input", "which colour?"],
      ["auth log in first", "auth", "log in first"],
    ] as const) {
      const answer = await sent(client, payload);
      const { taskId, contextId } = agent.heard.at(-1) ?? {};
      expect(answer).toMatchObject({ reply: "done", result: { asksFor, message, taskId, contextId } });
    }
  });

  it("shows a task as pending while it works, and any process can ask what came of it", async () => {
    const agent = await agentFor(options);
    const handles: { taskId: string }[] = [];
    const sending = clientOf(agent.url).send(
      call({ payload: "hold it", onHandle: (handle) => handles.push(handle) }),
    );
    await agent.hasHeard(1);
    const [heard] = agent.heard;
    const another = clientOf(agent.url);
    const task = { key: "k", taskId: heard?.taskId ?? "" };
    expect(await another.ask(task, asked)).toMatchObject({
      delivery: "accepted",
      reply: "pending",
      ...{ taskId: task.taskId },
    });
    if (options.streaming !== false)
      await expect.poll(() => handles).toMatchObject([{ taskId: task.taskId }]);
    else expect(await sending).toMatchObject({ reply: "pending", taskId: task.taskId });
    const waiting = another.ask(task, { ...asked, waitMs: 10_000 });
    agent.release();
    expect(await waiting).toMatchObject({ reply: "done", result: "it" });
    expect(await followed(another, await sending)).toMatchObject({ reply: "done", result: "it" });
    expect(agent.heard).toHaveLength(1);
  });

  it("is told to cancel, and does", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    const sending = client.send(call({ payload: "hold it" }));
    await agent.hasHeard(1);
    const told = await client.cancel({ key: "k", taskId: agent.heard[0]?.taskId ?? "" });
    expect(told).toMatchObject({ known: true, answer: { delivery: "accepted", reply: "cancelled" } });
    expect(await followed(client, await sending)).toMatchObject({ reply: "cancelled" });
    agent.release();
  });

  it("is told to cancel, and refuses", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    const sending = client.send(call({ payload: "stubborn it" }));
    await agent.hasHeard(1);
    const told = await client.cancel({ key: "k", taskId: agent.heard[0]?.taskId ?? "" });
    expect(told).toMatchObject({
      known: "unknown",
      error: { message: "A does not cancel it: this agent stops for nobody" },
    });
    agent.release();
    expect(await followed(client, await sending)).toMatchObject({ reply: "done", result: "it" });
    const late = await client.cancel({ key: "k", taskId: agent.heard[0]?.taskId ?? "" });
    expect(late).toMatchObject({ known: true, answer: { reply: "done", result: "it" } });
  });

  it("keeps a session as a context of its own naming, and goes on with a task that asked", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    const opening = { sessionId: "s", epoch: 1, cancellation: new Cancellation() };
    const [one, two] = [await client.openSession(opening), await client.openSession(opening)];
    expect(one).not.toEqual(two);
    const say = async (remoteId: string, payload: string) => {
      const answer = await followed(client, await client.message(remoteId, 1, 1, call({ payload })));
      return { ...answer, remoteId: "remoteId" in answer ? String(answer.remoteId) : remoteId };
    };
    const first = await say(one.remoteId, "ask which?");
    const other = await say(two.remoteId, "recall one");
    expect(other).toMatchObject({ result: "recall one" });
    const second = await say(first.remoteId, "blue");
    expect(second).toMatchObject({ reply: "done", result: "blue" });
    expect(agent.heard[2]).toMatchObject({
      taskId: agent.heard[0]?.taskId,
      contextId: agent.heard[0]?.contextId,
    });
    const third = await say(second.remoteId, "recall");
    expect(third).toMatchObject({ result: "ask which?, blue, recall" });
    expect(agent.heard[3]?.taskId).not.toBe(agent.heard[0]?.taskId);
    expect(await say(other.remoteId, "recall two")).toMatchObject({ result: "recall one, recall two" });
    // The task has ended by now: what it waited for begins another one in the same context.
    expect(await say(first.remoteId, "recall")).toMatchObject({
      result: "ask which?, blue, recall, recall",
    });
    await client.closeSession(one.remoteId);
  });

  it("gets a message id of its own with each send, also of the same key", async () => {
    const agent = await agentFor(options);
    const client = clientOf(agent.url);
    await sent(client, "a", { key: "run-1/main/0/A/0" });
    await sent(client, "b", { key: "run-1/main/0/A/0" });
    await sent(client, "c", { key: "run-2/main/0/A/0", hops: 3 });
    expect(agent.requests.some(({ headers }) => headers["orchestrator-hops"] === "3")).toBe(true);
    const [a = "", b = "", c = ""] = agent.heard.map(({ messageId }) => messageId);
    expect(new Set([a, b, c]).size).toBe(3);
    expect(a.slice(0, 22)).toBe(b.slice(0, 22));
    expect(c.slice(0, 22)).not.toBe(a.slice(0, 22));
  });

  it("does not know a task that it never had", async () => {
    const { url } = await agentFor(options);
    expect(await clientOf(url).ask({ key: "k", taskId: "nothing" }, asked)).toBe("unseen");
    expect(await clientOf(url).cancel({ key: "k", taskId: "nothing" })).toMatchObject({
      known: "unknown",
      error: { message: expect.stringContaining("A does not cancel it") },
    });
  });

  it("shows its health without being sent a message", async () => {
    const agent = await agentFor(options);
    expect(await clientOf(agent.url).check(20_000)).toMatchObject({
      state: "healthy",
      reason: `answers A2A ${options.version ?? "1.0"} over ${options.bindings?.[0]}`,
    });
    expect(agent.asked).toEqual(["getTask"]);
  });
});

describe("progress", () => {
  it("is told while it is streamed: the agent's words, and how long the answer is", async () => {
    const { url } = await agentFor();
    const told: WorkProgress[] = [];
    const onProgress = (progress: WorkProgress) => told.push(progress);
    const client = clientOf(url);
    await sent(client, "chunks one two", { onProgress });
    expect(told).toEqual([{ chars: 3 }, { chars: 6 }]);
  });

  it("is the words of its state", async () => {
    const agent = await agentFor();
    const told: WorkProgress[] = [];
    const sending = clientOf(agent.url).send(
      call({ payload: "hold it", onProgress: (each) => told.push(each) }),
    );
    await expect.poll(() => told).toEqual([{ note: "thinking" }]);
    agent.release();
    await sending;
  });
});

describe("a payload", () => {
  it("is text, but data for an agent that takes JSON", async () => {
    const plain = await agentFor();
    const json = await agentFor({ inputModes: ["text/plain", "application/json"] });
    for (const payload of ["words", { message: "words" }]) {
      expect(await sent(clientOf(json.url), payload)).toMatchObject({ result: "words" });
    }
    const payload = { message: "words", rows: [1] };
    expect(await sent(clientOf(plain.url), payload)).toMatchObject({ result: JSON.stringify(payload) });
    expect(await sent(clientOf(json.url), payload)).toMatchObject({ result: payload });
    expect(await sent(clientOf(json.url), [1, null])).toMatchObject({ result: [1, null] });
    const settings = { template: "Say: {{prompt}}" };
    expect(await sent(clientOf(json.url, { settings }), { rows: 1 })).toMatchObject({
      result: 'Say: {"rows":1}',
    });
  });

  it("is needed", async () => {
    const agent = await agentFor();
    for (const payload of [null, "", " "]) {
      const answer = await clientOf(agent.url).send(call({ payload }));
      expect(facts(answer)).toBe("not_sent none bad_request");
    }
    expect(agent.heard).toEqual([]);
  });
});

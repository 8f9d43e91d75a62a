import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { refuse, respond } from "../support/faults.ts";
import { call, closedPort, facts } from "./harness.ts";
import { clientOf, faulty, gateway } from "./openclaw-harness.ts";

const opening = { sessionId: "s", epoch: 1, cancellation: new Cancellation() };

describe("a session", () => {
  it("has a random key of ours, and the gateway keeps it", async () => {
    const { client, server } = await gateway();
    const { remoteId } = await client.openSession(opening);
    expect(remoteId).toMatch(/^orchestrator-[0-9a-f-]{36}$/);
    expect(server.runs).toEqual([]);
    const history = [{ data: "one", result: "turn 1: one" }];
    expect(await client.message(remoteId, 1, 1, call({ payload: "one", history: [] }))).toMatchObject({
      result: "turn 1: one",
    });
    expect(await client.message(remoteId, 1, 2, call({ payload: "two", history }))).toMatchObject({
      result: "turn 2: two",
    });
    expect([...server.sessions.keys()]).toEqual([remoteId]);
  });

  it("of an earlier owner is told to the gateway with its first message, until that is answered", async () => {
    const { client, server } = await gateway({}, { template: "Now: {{prompt}}" });
    const history = [
      { data: "one", result: "first" },
      { data: { message: "two" }, result: { n: 2 } },
    ];
    const { remoteId } = await client.openSession({ ...opening, epoch: 2, history });
    const told = [
      { role: "user", content: "Now: one" },
      { role: "assistant", content: "first" },
      { role: "user", content: "Now: two" },
      { role: "assistant", content: '{"n":2}' },
    ];
    const first = await client.message(remoteId, 2, 3, call({ payload: "fail upstream", history }));
    expect(facts(first)).toBe("accepted failed instance_error");
    await client.message(remoteId, 2, 4, call({ payload: "three", history }));
    const later = [...history, { data: "three", result: "turn 3: three" }];
    await client.message(remoteId, 2, 5, call({ payload: "four", history: later }));
    expect(server.runs.map(({ body }) => body.messages)).toEqual([
      [...told, { role: "user", content: "Now: fail upstream" }],
      [...told, { role: "user", content: "Now: three" }],
      [{ role: "user", content: "Now: four" }],
    ]);
  });

  it("is not opened where there is no such agent, nobody, or something else", async () => {
    const { client } = await gateway({ agents: ["main", "ops"] }, { agent: "nobody" });
    await expect(client.openSession(opening)).rejects.toMatchObject({
      code: "bad_request",
      message: "A has no agent nobody, but default, main, ops.",
      action: "Set fleet.A.agent in the configuration to an agent that the gateway has.",
    });
    const dead = clientOf(`http://127.0.0.1:${await closedPort()}`);
    await expect(dead.client.openSession(opening)).rejects.toMatchObject({ code: "instance_down" });
    const other = await faulty(respond({ body: { ok: true } }));
    await expect(other.client.openSession(opening)).rejects.toMatchObject({ code: "instance_error" });
  });

  it("is not opened while the gateway drains", async () => {
    const { client, server } = await gateway();
    server.draining = true;
    await expect(client.openSession(opening)).rejects.toMatchObject({
      code: "draining",
      delivery: "not_sent",
    });
  });
});

describe("a session at a gateway of several agents", () => {
  it("belongs to its agent, whichever the configuration names later", async () => {
    const { client, server } = await gateway({ agents: ["main", "ops"] }, { agent: "ops" });
    const { remoteId } = await client.openSession(opening);
    expect(remoteId).toMatch(/^agent:ops:orchestrator-/);
    await client.message(remoteId, 1, 1, call({ payload: "one" }));
    const later = clientOf(server.url, { agent: "main" }).client;
    expect(await later.message(remoteId, 1, 2, call({ payload: "two" }))).toMatchObject({
      result: "turn 2: two",
    });
    expect(server.runs.map(({ headers }) => headers["x-openclaw-agent-id"])).toEqual(["ops", "ops"]);
    expect((await later.transcript?.(remoteId))?.messages).toHaveLength(4);
    await later.closeSession(remoteId);
    expect(server.sessions.size).toBe(0);
  });

  it("is not begun without one", async () => {
    const { send } = await gateway({ agents: ["main", "ops"] });
    const answer = await send("x");
    expect(facts(answer)).toBe("not_sent none bad_request");
    expect(answer).toMatchObject({
      error: { action: "Set fleet.A.agent in the configuration to an agent that the gateway has." },
    });
  });
});

describe("what a gateway keeps of a session", () => {
  it("is read, and deleted when the session is closed", async () => {
    const { client, server } = await gateway();
    const { remoteId } = await client.openSession(opening);
    expect(await client.transcript?.(remoteId)).toEqual({ messages: [] });
    await client.closeSession(remoteId);
    await client.message(remoteId, 1, 1, call({ payload: "one" }));
    expect(await client.transcript?.(remoteId)).toEqual({
      messages: [
        { role: "user", text: "one", at: 1_795_623_407_131 },
        { role: "assistant", text: "turn 1: one", at: 1_795_623_407_132 },
      ],
    });
    await client.closeSession(remoteId);
    expect(server.sessions.size).toBe(0);
    expect(await client.transcript?.(remoteId)).toEqual({ messages: [] });
  });

  it("may be more than it tells", async () => {
    const details = {
      messages: [{ role: "user", content: "x" }, { role: "tool" }, 7],
      droppedMessages: true,
    };
    const { client } = await faulty(respond({ body: { ok: true, result: { details } } }));
    expect(await client.transcript?.("k")).toEqual({ messages: [{ role: "user", text: "x" }], cut: true });
  });

  it.each<[string, Parameters<typeof faulty>[0], string]>([
    [
      "a failure that comes as a success",
      respond({ body: { ok: true, result: { details: { status: "forbidden", error: "not yours" } } } }),
      "A could not use sessions_history: not yours",
    ],
    [
      "something else",
      respond({ body: "<html></html>" }),
      "A answered sessions_history with something else.",
    ],
    ["an error", refuse(400, { message: "limit must be" }), "A answered HTTP 400: limit must be"],
  ])("cannot be read from %s", async (_what, fault, message) => {
    const { client } = await faulty(fault);
    await expect(client.transcript?.("k")).rejects.toMatchObject({ message });
  });

  it.each([403, 404])(
    "may be kept from us by its policy (%i), which says nothing of the key",
    async (status) => {
      const body = { ok: false, error: { type: "forbidden", message: "blocked by policy" } };
      const { client, server } = await faulty(respond({ status, body }));
      for (const _ of [1, 2]) {
        await expect(client.transcript?.("k")).rejects.toMatchObject({
          code: "instance_error",
          message: "A does not let its tool sessions_history be used: blocked by policy",
        });
      }
      expect(server.requests).toHaveLength(2);
      const { client: other } = await gateway({ tools: [] });
      await expect(other.closeSession("k")).rejects.toMatchObject({ code: "instance_error" });
    },
  );
});

import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { Fault } from "../support/fault-server.ts";
import { hang, reset, respond } from "../support/faults.ts";
import { agentFor, cardAt, clientOf, faultyAgent, rpc, sent, task } from "./a2a-harness.ts";
import { call, closedPort, errorOf, facts, startServer } from "./harness.ts";

const work = call({ payload: "do it" });
const done = rpc({ result: { task: task("COMPLETED") } });
const BELOW = "/.well-known/agent-card.json";

/** A server of raw sockets whose card is as given, and which does what it is asked. */
async function agentWith(card: (url: string) => unknown) {
  const server = await startServer();
  server.play((socket, request) => {
    const fault = request.path.endsWith("/agent-card.json") ? respond({ body: card(server.url) }) : done;
    fault(socket, request);
  });
  return server;
}

describe("where the card is", () => {
  it("at the origin", async () => {
    const agent = await agentFor();
    expect(await sent(clientOf(`${agent.url}/`), "hi")).toMatchObject({ result: "hi" });
    expect(agent.requests[0]?.url).toBe(BELOW);
  });

  it("below the configured path, where one host has several agents", async () => {
    const agent = await agentFor({ at: "/agents/a" });
    expect(await sent(clientOf(agent.url), "hi")).toMatchObject({ result: "hi" });
    expect(agent.requests.map(({ url }) => url)).toEqual([`/agents/a${BELOW}`, "/agents/a/rpc"]);
  });

  it("at the origin though the address of the interface is configured", async () => {
    const agent = await agentFor();
    expect(await sent(clientOf(`${agent.url}/rpc`), "hi")).toMatchObject({ result: "hi" });
    expect(agent.requests.map(({ url }) => url)).toEqual([`/rpc${BELOW}`, BELOW, "/rpc"]);
  });

  it("at the very address that is configured", async () => {
    const agent = await agentFor({ at: "/agents/a" });
    expect(await sent(clientOf(agent.url + BELOW), "hi")).toMatchObject({ result: "hi" });
    expect(agent.requests[0]?.url).toBe(`/agents/a${BELOW}`);
  });

  it("is asked for once, by however many", async () => {
    const agent = await agentFor();
    const client = clientOf(agent.url);
    await Promise.all([1, 2, 3].map((payload) => sent(client, payload)));
    await sent(client, 4);
    expect(agent.requests.filter(({ url }) => url === BELOW)).toHaveLength(1);
    await client.check(20_000);
    expect(agent.requests.filter(({ url }) => url === BELOW)).toHaveLength(2);
  });

  it.each<[string, Fault]>([
    ["has moved", respond({ status: 404, body: "gone" })],
    ["has become another version", rpc({ error: { code: -32_009, message: "1.0 is no more" } })],
  ])("is asked for again when the agent %s", async (_how, fault) => {
    const { server, client, asked } = await faultyAgent();
    server.play(fault, done);
    expect(facts(await client.send(work))).toMatch(/^not_sent none/);
    expect(await client.send(work)).toMatchObject({ reply: "done" });
    expect(server.requests).toHaveLength(4);
    expect(asked()).toHaveLength(2);
  });
});

describe("a card", () => {
  it("that names another origin leads nobody there, and no key", async () => {
    const other = await agentFor();
    const server = await agentWith(() => cardAt(other.url));
    const credential = { from: "env", name: "A_KEY" } as const;
    const client = clientOf(server.url, { credential, env: { A_KEY: "s3cret" } });
    const answer = await client.send(work);
    expect(facts(answer)).toBe("not_sent none instance_error");
    expect(answer).toMatchObject({ again: "never" });
    expect(errorOf(answer)?.message).toContain(`names no address at ${server.url}, but ${other.url}`);
    expect(errorOf(answer)?.action).toContain("fleet.A.url");
    expect(await client.check(20_000)).toMatchObject({
      state: "down",
      reason: expect.stringContaining(other.url),
    });
    await expect(
      client.openSession({ sessionId: "s", epoch: 1, cancellation: new Cancellation() }),
    ).rejects.toThrow(other.url);
    expect(other.requests).toEqual([]);
    expect(server.requests.every(({ path }) => path === BELOW)).toBe(true);
  });

  it("that names several addresses is used for those of its own origin", async () => {
    const elsewhere = {
      url: "https://elsewhere.example/rpc",
      protocolBinding: "JSONRPC",
      protocolVersion: "1.0",
    };
    const server = await agentWith((url) => {
      const card = cardAt(url);
      return {
        ...card,
        supportedInterfaces: [elsewhere, { ...elsewhere, url: "nonsense" }, ...card.supportedInterfaces],
      };
    });
    expect(await clientOf(server.url).send(work)).toMatchObject({ reply: "done" });
    expect(server.requests.at(-1)?.path).toBe("/a2a/v1");
  });

  it.each<[string, object, string]>([
    ["another binding", { protocolBinding: "GRPC", protocolVersion: "1.0" }, "A offers only GRPC 1.0"],
    ["a later version", { protocolBinding: "JSONRPC", protocolVersion: "2.0" }, "A offers only JSONRPC 2.0"],
  ])("that offers only %s is not spoken to", async (_what, offer, message) => {
    const server = await agentWith((url) => cardAt(url, { supportedInterfaces: [{ url, ...offer }] }));
    const answer = await clientOf(server.url).send(work);
    expect(facts(answer)).toBe("not_sent none instance_error");
    expect(errorOf(answer)?.message).toContain(message);
  });

  it.each<[string, Fault, string, string]>([
    ["is missing", respond({ status: 404 }), "has no agent card at", "never"],
    [
      "is a page",
      respond({ headers: { "content-type": "text/html" }, body: "<html>" }),
      "answered no agent card",
      "never",
    ],
    ["is a list", respond({ body: [] }), "answered no agent card", "never"],
    ["is null", respond({ body: null }), "answered no agent card", "never"],
    [
      "is something else",
      respond({ body: { name: "x" } }),
      "answered no agent card: supportedInterfaces",
      "never",
    ],
    ["is cut off", respond({ body: '{"name":' }), "answered no agent card", "never"],
    ["is elsewhere", respond({ status: 301, headers: { location: "/x" } }), "a redirect to /x", "later"],
    ["wants another key", respond({ status: 401 }), "HTTP 401", "never"],
    ["cannot be had just now", respond({ status: 503 }), "HTTP 503", "later"],
    ["breaks off", reset, "the connection broke", "later"],
  ])("that %s: nothing is sent", async (_how, fault, message, again) => {
    const server = await startServer();
    server.play(fault);
    const answer = await clientOf(server.url).send(work);
    expect(answer).toMatchObject({
      delivery: "not_sent",
      again,
      error: { instance: "A", delivery: "not_sent" },
    });
    expect(errorOf(answer)?.message).toContain(message);
    expect(server.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("that cannot be had, since nobody is there", async () => {
    const client = clientOf(`http://127.0.0.1:${await closedPort()}`);
    const answer = await client.send(work);
    expect(facts(answer)).toBe("not_sent none instance_down");
    expect(answer).toMatchObject({ again: "later", unreachable: true });
    expect(await client.check(20_000)).toMatchObject({ state: "down", reason: "connection refused" });
  });

  it("that does not come holds up neither who gives up nor a poll", async () => {
    const server = await startServer();
    server.play(hang);
    const client = clientOf(server.url);
    const cancellation = new Cancellation();
    const sending = client.send(call({ payload: "x", cancellation }));
    await expect.poll(() => server.requests).toHaveLength(1);
    cancellation.cancel();
    expect(facts(await sending)).toBe("not_sent none cancelled");
    expect(await client.check(1_000)).toMatchObject({ state: "down", reason: "no answer within 1000 ms" });
  });
});

describe("skills", () => {
  it("are tags, written so that a selector can name them", async () => {
    const agent = await agentFor({
      skills: [
        { id: "web-search", tags: ["research", "Fact Checking"] },
        { id: "Über/alles", tags: ["research", "", "日本"] },
      ],
    });
    expect(await clientOf(agent.url).tags?.()).toEqual([
      "web-search",
      "research",
      "fact-checking",
      "ber-alles",
    ]);
  });

  it("of an agent that is not there are none, and it is not asked again at once", async () => {
    const server = await startServer();
    server.play(respond({ status: 500 }));
    const client = clientOf(server.url);
    expect(await client.tags?.()).toEqual([]);
    expect(await client.tags?.()).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });
});

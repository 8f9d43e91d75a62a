import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { beforeEach, describe, expect, it } from "vitest";
import { call, engineOver, serveInMemory } from "./harness.ts";
import { type HttpInstance, httpInstance } from "./http-instance.ts";

let instances: HttpInstance[];
beforeEach(async () => {
  const names = Array.from({ length: 21 }, (_, index) => `node${index + 1}`);
  instances = await Promise.all(names.map((name) => httpInstance(name, (payload) => payload, ["search"])));
});

const received = () => instances.flatMap((instance) => instance.received).length;

/** A client whose person, if it can ask one, says this. */
async function client(said?: { action: "accept" | "decline"; content?: Record<string, boolean> }) {
  const capabilities = said ? { elicitation: {} } : {};
  const connected = new Client({ name: "test", version: "1" }, { capabilities });
  const asked: string[] = [];
  if (said) {
    connected.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return said;
    });
  }
  await connected.connect(serveInMemory(engineOver(instances)));
  return { client: connected, asked };
}

const everybody = { targets: ["*"], payload: "hi" };

describe('a fan-out to "*" that picks many', () => {
  it("goes out once the person behind the client has confirmed it", async () => {
    const { client: asking, asked } = await client({ action: "accept", content: { confirm: true } });
    const answer = await call(asking, "fanout", everybody);
    expect(answer.text).toMatch(/^21 of 21 instances answered/);
    expect(asked).toEqual(['"*" picks 21 instances. Are all meant? The task goes to each of them.']);
    expect(received()).toBe(21);
  });

  it.each([
    ["declines", { action: "decline" as const }],
    ["does not tick it", { action: "accept" as const, content: { confirm: false } }],
  ])("sends nothing where that person %s", async (_, said) => {
    const { client: asking, asked } = await client(said);
    const answer = await call(asking, "fanout", everybody);
    expect(answer).toMatchObject({
      isError: true,
      structured: { error: { code: "cancelled", delivery: "not_sent" } },
    });
    expect(asked).toHaveLength(1);
    expect(received()).toBe(0);
  });

  it("needs the argument where the client can ask nobody", async () => {
    const { client: mute } = await client();
    const refused = await call(mute, "fanout", everybody);
    expect(refused.text).toContain("or pass confirmed: true once it is sure that all are meant");
    expect(received()).toBe(0);
    expect((await call(mute, "fanout", { ...everybody, confirmed: true })).text).toMatch(/^21 of 21/);
  });

  it("is asked of nobody for a range, a tag, few instances, or a dry run", async () => {
    const { client: mute } = await client();
    for (const targets of [["node1-node21"], ["tag:search"]])
      expect((await call(mute, "fanout", { targets, payload: "hi" })).isError).toBeFalsy();
    expect((await call(mute, "fanout", { ...everybody, dryRun: true })).isError).toBeFalsy();
    await instances.pop()?.close();
    const few = new Client({ name: "test", version: "1" });
    await few.connect(serveInMemory(engineOver(instances)));
    expect((await call(few, "fanout", everybody)).isError).toBeFalsy();
  });

  it("is asked for in a plan too", async () => {
    const { client: mute } = await client();
    const steps = [{ id: "all", fanout: everybody }];
    const refused = await call(mute, "orchestrate", { steps });
    expect(refused.text).toContain('targets: "*" picks 21 instances');
    expect(received()).toBe(0);
  });

  it("is answered with the question in revision 2026-07-28, and done once the call comes with the answer", async () => {
    const transport = serveInMemory(engineOver(instances));
    // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape
    const send = (id: number, more: object): Promise<any> => {
      const _meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "new", version: "1" },
        "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
      };
      const params = { name: "fanout", arguments: everybody, _meta, ...more };
      return new Promise((resolve) => {
        transport.onmessage = (message) => "id" in message && message.id === id && resolve(message);
        void transport.send({ jsonrpc: "2.0", id, method: "tools/call", params });
      });
    };
    await transport.start();
    const asked = await send(1, {});
    expect(asked.result).toMatchObject({
      resultType: "input_required",
      inputRequests: { confirm: { method: "elicitation/create" } },
    });
    expect(received()).toBe(0);
    const inputResponses = { confirm: { action: "accept", content: { confirm: true } } };
    const done = await send(2, { inputResponses });
    expect(done.result.content[0].text).toMatch(/^21 of 21 instances answered/);
  });
});

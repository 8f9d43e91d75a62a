import { describe, expect, it } from "vitest";
import { type AcceptedKey, adminKey, hashKey, type Scope } from "../../src/core/keys.ts";
import { ask, beginSession, connectTo, modern, modernCall, oldCall, startMcp } from "./http-harness.ts";

const key = (name: string, scopes: Scope[], more: Partial<AcceptedKey> = {}): AcceptedKey => ({
  ...{ name, scopes },
  hash: hashKey(name),
  ...more,
});

const WORK = { instances: ["A"], payload: 1 };

async function setUp({ origins = [] as string[] } = {}) {
  const keys = [
    adminKey("root"),
    key("reader", ["read"]),
    key("ci", ["send"]),
    key("other", ["send"]),
    key("member", ["register"]),
    key("slow", ["read"], { requestsPerMinute: 4 }),
  ];
  const fleet = await startMcp(1, {
    keys: () => keys,
    allowedHosts: () => ["fleet.example"],
    allowedOrigins: () => origins,
  });
  fleet.finishAll();
  const tool = async (as: string, name: string, args: object = {}) => {
    const { messages } = await ask(fleet.mcp, modernCall(name, args, { key: as }));
    const { isError = false, content, structuredContent } = messages[0].result;
    return { isError, text: content[0].text as string, structured: structuredContent };
  };
  return { ...fleet, keys, tool };
}

describe("the guards of /mcp", () => {
  it.each([
    ["no key", ""],
    ["a wrong key", "wrong"],
  ])("refuse %s in every era, and say which scheme to use", async (_, as) => {
    const { mcp } = await setUp();
    const headers: Record<string, string> = as === "" ? {} : { authorization: `Bearer ${as}` };
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    const asked = modern("tools/list", {}, as === "" ? {} : { key: as });
    for (const request of [{ body: list, headers }, asked, { method: "GET" as const, headers }]) {
      const answer = await ask(mcp, request);
      expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
      expect(JSON.parse(answer.text).error.code).toBe("unauthorized");
    }
    await expect(connectTo(mcp, as)).rejects.toThrow(/unauthorized/);
  });

  it("refuse a key whose scope is for other things", async () => {
    const { mcp } = await setUp();
    const { status, text } = await ask(mcp, modern("tools/list", {}, { key: "member" }));
    expect([status, JSON.parse(text).error.code]).toEqual([403, "forbidden"]);
  });

  it.each([
    ["Host", { host: "evil.example" }],
    ["Origin", { origin: "https://evil.example" }],
  ])("refuse a foreign %s", async (_, headers: Record<string, string>) => {
    const { mcp } = await setUp();
    const asked = modern("tools/list", {}, { key: "root" });
    const { status, text } = await ask(mcp, { ...asked, headers: { ...asked.headers, ...headers } });
    expect([status, JSON.parse(text).error.code]).toEqual([403, "forbidden"]);
  });

  it("let in the hosts and pages that the configuration names", async () => {
    const { mcp } = await setUp({ origins: ["https://app.example"] });
    const asked = modern("tools/list", {}, { key: "root" });
    const headers = { ...asked.headers, host: "fleet.example", origin: "https://app.example" };
    const answer = await ask(mcp, { ...asked, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer.headers["access-control-expose-headers"]).toContain("Mcp-Session-Id");
  });

  it.each([
    ["text/plain", '{"jsonrpc":"2.0"}', 400],
    ["application/json", '{"jsonrpc":', 400],
    ["application/json", "[".repeat(300) + "]".repeat(300), 400],
    ["application/json", `"${"x".repeat(8 * 1024 * 1024)}"`, 413],
  ])("refuse a body of %s that is not what it must be (%#)", async (type, body, status) => {
    const { mcp } = await setUp();
    const answer = await ask(mcp, { body, headers: { authorization: "Bearer root", "content-type": type } });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error.action).not.toBe("");
  });

  it("count each request against its key's limit, and each message of a batch", async () => {
    const { mcp } = await setUp();
    const listed = () => ask(mcp, modern("tools/list", {}, { key: "slow" }));
    expect((await listed()).status).toBe(200);
    const body = [1, 2, 3, 4].map((id) => ({ jsonrpc: "2.0", id, method: "tools/list" }));
    const batch = await ask(mcp, { body, headers: { authorization: "Bearer slow" } });
    expect([batch.status, JSON.parse(batch.text).error.code]).toEqual([429, "rate_limited"]);
    expect(Number(batch.headers["retry-after"])).toBeGreaterThan(0);
    expect((await listed()).status).toBe(429);
    expect((await ask(mcp, modern("tools/list", {}, { key: "reader" }))).status).toBe(200);
  });
});

describe("a key's scopes over MCP", () => {
  it("let one with read list, and use what only reads", async () => {
    const { mcp, tool, begun } = await setUp();
    const { client } = await connectTo(mcp, "reader");
    expect((await client.listTools()).tools).toHaveLength(13);
    const told = {
      responses: [
        { instance: "A", result: 1 },
        { instance: "B", result: 2 },
      ],
    };
    for (const [name, args] of [
      ["health", {}],
      ["runs_list", {}],
      ["sessions_list", {}],
      ["aggregate", { ...told, strategy: "concat" }],
    ] as const)
      expect(await tool("reader", name, args), name).toMatchObject({ isError: false });
    const plan = { steps: [{ id: "a", delegate: WORK }] };
    for (const [name, args] of [
      ["delegate", WORK],
      ["fanout", { targets: ["A"] }],
      ["orchestrate", plan],
      ["sessions_spawn", { sessionId: "s" }],
      ["sessions_send", { sessionId: "s", data: 1 }],
      ["sessions_close", { sessionId: "s" }],
      ["runs_cancel", { runId: "run-1" }],
      ["aggregate", { ...told, strategy: "reduce", instance: "A", instruction: "x" }],
    ] as const) {
      const { isError, text } = await tool("reader", name, args);
      expect([isError, text], name).toEqual([
        true,
        expect.stringMatching(
          /^forbidden: The key "reader" has the scope read, and this call needs send\. → /,
        ),
      ]);
    }
    expect(begun()).toBe(0);
  });

  it("show a key that is not admin what it made itself, and nothing else", async () => {
    const { tool } = await setUp();
    const mine = (await tool("ci", "delegate", WORK)).structured.runId;
    const theirs = (await tool("other", "delegate", { ...WORK, payload: 2 })).structured.runId;
    await tool("ci", "sessions_spawn", { sessionId: "mine" });
    await tool("other", "sessions_spawn", { sessionId: "theirs" });
    const listed = async (as: string, what: "runs" | "sessions") => {
      const { items } = (await tool(as, `${what}_list`)).structured;
      return items.map((item: Record<string, string>) => item.runId ?? item.sessionId).sort();
    };
    expect(await listed("ci", "runs")).toEqual([mine]);
    expect(await listed("ci", "sessions")).toEqual(["mine"]);
    expect(await listed("reader", "runs")).toEqual([]);
    expect(await listed("root", "runs")).toEqual([mine, theirs].sort());
    expect((await tool("root", "runs_get", { runId: mine })).structured.createdBy).toBe("mcp:key:ci");
    for (const [name, of, none] of [
      ["runs_get", { runId: theirs }, { runId: "run-x" }],
      ["runs_cancel", { runId: theirs }, { runId: "run-x" }],
      ["aggregate", { runId: theirs, strategy: "concat" }, { runId: "run-x", strategy: "concat" }],
      ["sessions_history", { sessionId: "theirs" }, { sessionId: "x" }],
      ["sessions_send", { sessionId: "theirs", data: 1 }, { sessionId: "x", data: 1 }],
      ["sessions_close", { sessionId: "theirs" }, { sessionId: "x" }],
    ] as const) {
      // As if there were no such thing.
      const code = async (args: object) => (await tool("ci", name, args)).structured.error?.code;
      expect([name, await code(of)]).toEqual([name, await code(none)]);
      expect(await code(of), name).toMatch(/_not_found$/);
    }
  });

  it("leave a session to the key that began it, as long as that may do the same", async () => {
    const { mcp, keys } = await setUp();
    const session = await beginSession(mcp, { key: "ci" });
    const asked = session.asked(oldCall(1, "health"));
    expect((await ask(mcp, asked)).status).toBe(200);
    const stolen = { ...asked.headers, authorization: "Bearer other" };
    for (const method of ["POST", "GET", "DELETE"] as const) {
      const body = method === "POST" ? { body: asked.body } : {};
      expect((await ask(mcp, { method, ...body, headers: stolen })).status).toBe(404);
    }
    expect((await ask(mcp, asked)).status).toBe(200);
    Object.assign(keys[2] as AcceptedKey, { scopes: ["read"] });
    expect((await ask(mcp, asked)).status).toBe(404);
    keys.splice(2, 1);
    expect((await ask(mcp, asked)).status).toBe(401);
  });
});

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, it, vi } from "vitest";
import { call, closing } from "./harness.ts";

const program = fileURLToPath(new URL("fixtures/stdio-server.ts", import.meta.url));
const ARGS = ["--import", "tsx", program];

interface Running {
  child: ChildProcessWithoutNullStreams;
  stdout: () => string;
  stderr: () => string;
  send(message: object): void;
  /** The answers so far, by the id of their request. */
  answers(): Map<number, Record<string, unknown>>;
  exited: Promise<number | null>;
}

/** The server as a process with bare pipes, which ends with the test. */
async function start(): Promise<Running> {
  const child = spawn(process.execPath, ARGS, { stdio: "pipe" });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  closing({
    close: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  });
  await vi.waitFor(() => expect(stderr).toContain("ready"), 10_000);
  return {
    child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    send: (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`),
    answers: () => new Map(frames(stdout).map((frame) => [frame.id as number, frame])),
  };
}

function frames(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const MODERN = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "modern", version: "1" },
};

const INITIALIZE = {
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2024-11-05", capabilities: {}, clientInfo: { name: "old", version: "1" } },
};

describe("the MCP server on stdio", () => {
  it("serves the official 1.x client", async () => {
    const client = closing(new Client({ name: "test", version: "1" }));
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: ARGS, stderr: "ignore" }),
    );
    expect((await client.listTools()).tools).toHaveLength(13);
    expect((await call(client, "health")).text).toMatch(/^The fleet is empty\./);
  });

  it("serves a client of the 2026-07-28 revision, which never initializes", async () => {
    const { send, answers } = await start();
    send({ id: 1, method: "server/discover", params: { _meta: MODERN } });
    send({ id: 2, method: "tools/list", params: { _meta: MODERN } });
    send({ id: 3, method: "tools/call", params: { name: "health", arguments: {}, _meta: MODERN } });
    await vi.waitFor(() => expect(answers().size).toBe(3), 5_000);
    expect(answers().get(1)).toMatchObject({ result: { supportedVersions: ["2026-07-28"] } });
    expect(answers().get(2)).toHaveProperty("result.tools.length", 13);
    expect(answers().get(3)).toMatchObject({ result: { structuredContent: { instances: [] } } });
  });

  it("serves a client of the oldest revision", async () => {
    const { send, answers } = await start();
    send(INITIALIZE);
    send({ method: "notifications/initialized" });
    send({ id: 2, method: "tools/list" });
    await vi.waitFor(() => expect(answers().size).toBe(2), 5_000);
    expect(answers().get(1)).toMatchObject({ result: { protocolVersion: "2024-11-05" } });
    expect(answers().get(2)).toHaveProperty("result.tools.length", 13);
  });

  it("writes nothing but frames to stdout, also when it is sent what is no frame", async () => {
    const { child, send, answers, stdout } = await start();
    child.stdin.write("this is no JSON\n\n{}\n");
    send(INITIALIZE);
    await vi.waitFor(() => expect(answers().has(1)).toBe(true), 5_000);
    expect(frames(stdout()).every((frame) => frame.jsonrpc === "2.0")).toBe(true);
  });

  it.each([
    ["half a mess", null, -32700, "This line is not JSON"],
    ['{"jsonrpc":"2.0","id":7,"method":5}', 7, -32600, "method: expected a string"],
    ['{"jsonrpc":"2.0","id":"a","method":"ping","params":[1]}', "a", -32600, "params: expected an object"],
    ['{"id":8,"method":"ping"}', 8, -32600, 'jsonrpc: expected "2.0"'],
    ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', null, -32600, "id: expected a string or an integer"],
    ['{"jsonrpc":"2.0","id":9,"method":"ping","more":1}', 9, -32600, "more: no such field"],
    [
      `{"jsonrpc":"2.0","id":9,"method":"ping","params":{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}}`,
      9,
      -32600,
      "levels",
    ],
    ['[{"jsonrpc":"2.0","id":7,"method":"ping"}]', null, -32600, "a line of its own"],
  ])("answers what is no message, for nobody is to wait in vain: %s", async (line, id, code, words) => {
    const { child, stdout } = await start();
    child.stdin.write(`${line}\n`);
    const [refusal] = await vi.waitFor(() => {
      const found = frames(stdout());
      expect(found).toHaveLength(1);
      return found;
    }, 5_000);
    expect(refusal).toEqual({ jsonrpc: "2.0", id, error: { code, message: expect.stringContaining(words) } });
  });

  it("does not answer an answer, however wrong, nor an empty line", async () => {
    const { child, send, answers, stdout } = await start();
    child.stdin.write('{"jsonrpc":"2.0","id":null,"error":"no"}\n{"id":1,"result":2}\n \r\n');
    send(INITIALIZE);
    await vi.waitFor(() => expect(answers().has(1)).toBe(true), 5_000);
    expect(frames(stdout())).toHaveLength(1);
  });

  it("answers a message that is too long, whichever end its id is at, and goes on", async () => {
    const { child, send, answers } = await start();
    send(INITIALIZE);
    const long = JSON.stringify({ method: "tools/call", params: { name: "x".repeat(11 * 1024 * 1024) } });
    child.stdin.write(`{"jsonrpc":"2.0","id":2,${long.slice(1)}\n`);
    child.stdin.write(`${long.slice(0, -1)},"jsonrpc":"2.0","id":3}\n`);
    send({ id: 4, method: "ping" });
    await vi.waitFor(() => expect([...answers().keys()].sort()).toEqual([1, 2, 3, 4]), 10_000);
    for (const id of [2, 3])
      expect(answers().get(id)).toMatchObject({
        error: { code: -32600, message: expect.stringContaining("longer than 10 MiB") },
      });
  });

  it("notices that its client has closed stdin, once, and holds the process no longer", async () => {
    const { child, send, answers, stderr, exited } = await start();
    send(INITIALIZE);
    await vi.waitFor(() => expect(answers().size).toBe(1), 5_000);
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(stderr().match(/^closed$/gm)).toHaveLength(1);
  });

  it("answers what it was asked before its client closed stdin, the last line without its end too", async () => {
    const { child, send, answers, exited } = await start();
    send(INITIALIZE);
    send({ id: 2, method: "tools/call", params: { name: "health", arguments: {} } });
    child.stdin.end(
      '{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"orchestrator://fleet"}}',
    );
    expect(await exited).toBe(0);
    expect([...answers().keys()].sort()).toEqual([1, 2, 3]);
  });

  it("waits for a client that reads slowly, and says nothing of it", async () => {
    const { child, send, answers, exited, stderr } = await start();
    child.stdout.pause();
    send(INITIALIZE);
    for (let id = 2; id <= 100; id++) send({ id, method: "tools/list" });
    child.stdin.end();
    await vi.waitFor(() => expect(child.stdout.readableLength).toBeGreaterThan(0), 5_000);
    child.stdout.resume();
    expect(await exited).toBe(0);
    await vi.waitFor(() => expect(answers().size).toBe(100), 5_000);
    expect(stderr()).toBe("ready\nclosed\n");
  });

  it("takes a closed stdout for the end of its client, not for a crash", async () => {
    const { child, send, stderr, exited } = await start();
    child.stdout.destroy();
    await once(child.stdout, "close");
    send(INITIALIZE);
    await vi.waitFor(() => expect(stderr()).toContain("closed"), 5_000);
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(stderr().match(/^closed$/gm)).toHaveLength(1);
    expect(stderr()).not.toMatch(/EPIPE|Error:/);
  });
});

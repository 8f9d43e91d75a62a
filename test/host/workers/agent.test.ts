import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it, vi } from "vitest";
import { addWorkerOptions } from "../../../src/cli/worker-options.ts";
import type { Json } from "../../../src/core/json.ts";
import { createAgentWorker } from "../../../src/host/workers/agent.ts";
import { AGENTS } from "../../../src/host/workers/agents/index.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { systemClock } from "../harness-clock.ts";
import { host, known, standIn } from "./agents/stand-in.ts";
import { folderOf } from "./folder.ts";

const NAMES = Object.keys(AGENTS);

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.each(NAMES)("the agent %s", (agent) => {
  it("is asked what the task says, in its folder, and its answer is the result", async () => {
    await standIn(agent);
    const cwd = await folderOf();
    const { post } = await host(agent, { cwd });
    const heard = async (payload: Json) => known((await post(payload)).body);
    expect(await heard("-p Ä ' \" $HOME `id`\n")).toMatchObject({ heard: ["-p Ä ' \" $HOME `id`\n"], cwd });
    expect((await heard({ message: "hello" })).heard).toEqual(["hello"]);
    expect((await heard({ message: "hello", more: 1 })).heard).toEqual(['{"message":"hello","more":1}']);
    const long = "x".repeat(300_000);
    expect((await heard(long)).heard).toEqual([long]);
  });

  it("gets the basic variables, its own and those named, and nothing else", async () => {
    await standIn(agent);
    const own = AGENTS[agent]!.variables[0]!;
    for (const name of [own, "AGENT_TEST_NAMED", "AGENT_TEST_OTHER", "ORCHESTRATOR_API_KEY", "LC_ALL"]) {
      vi.stubEnv(name, "C");
    }
    const { post } = await host(agent, { env: ["AGENT_TEST_NAMED"] });
    const { env } = known((await post("hello")).body);
    expect(env).toEqual(expect.arrayContaining(["PATH", "HOME", "LC_ALL", own, "AGENT_TEST_NAMED"]));
    expect(env).not.toContain("AGENT_TEST_OTHER");
    expect(env).not.toContain("ORCHESTRATOR_API_KEY");
  });

  it("goes on with the session's conversation, after a restart of the host too, and tells what each message used", async () => {
    await standIn(agent);
    const store = createMemoryStore({ clock: systemClock });
    const first = await host(agent, {}, store);
    const id = await first.open();
    const { body } = await first.message(id, { data: "one", seq: 1, epoch: 1 });
    expect(known(body).heard).toEqual(["one"]);
    expect((await first.message(id, { data: "do: failure", seq: 2, epoch: 1 })).body.reply).toBe("failed");
    const { body: third } = await first.message(id, { data: "three", seq: 3, epoch: 1 });
    expect(known(third).heard).toEqual(["one", "do: failure", "three"]);
    await first.close();

    const second = await host(agent, {}, store);
    const { body: fourth } = await second.message(id, { data: "four", seq: 4, epoch: 1 });
    expect(known(fourth).heard).toEqual(["one", "do: failure", "three", "four"]);
    expect(body.usage).toMatchObject({ inputTokens: expect.any(Number), totalTokens: expect.any(Number) });
    if (agent !== "codex") expect(third.usage).toEqual(body.usage);
    expect(fourth.usage).toEqual(body.usage);
    expect(known((await second.post("alone")).body).heard).toEqual(["alone"]);
  });

  it("is told what was said before in a session that began elsewhere", async () => {
    await standIn(agent);
    const { open, message } = await host(agent);
    const id = await open({ history: [{ data: { message: "my name is Ada" }, result: "hello Ada" }] });
    const say = async (data: string, seq: number) =>
      known((await message(id, { data, seq, epoch: 1 })).body).heard;
    const [prompt = ""] = await say("what is my name?", 1);
    expect(prompt).toMatch(/my name is Ada.*hello Ada.*what is my name\?$/s);
    expect((await say("and now?", 2)).at(-1)).toBe("and now?");
  });

  it.each([
    ["do: failure", "the prompt is too silly", 1],
    ["do: garbage", "its output is not understood: Hello! How can I help you today?\n", 0],
    ["do: nothing", "it wrote nothing", 0],
    ["do: crash", "it ended with exit code 3: Error: something broke", 3],
  ])("that answers %j makes the task failed with its words", async (payload, words, exitCode) => {
    await standIn(agent);
    const { body } = await (await host(agent)).post(payload);
    expect(body).toMatchObject({ reply: "failed", error: { code: "instance_error", details: { exitCode } } });
    expect(body.error.message).toBe(`${agent} failed: ${words}`);
  });

  it("is stopped when it writes too much or takes too long", async () => {
    const home = await standIn(agent);
    const { post } = await host(agent, { outputLimit: 100_000, timeoutMs: 4000 });
    expect((await post("do: flood")).body.error).toMatchObject({ code: "payload_too_large" });
    expect((await post("do: hang")).body.error).toMatchObject({ code: "timeout" });
    expect(isRunning(Number(await readFile(join(home, "hangs"), "utf8")))).toBe(false);
  });

  it("is ended when its task is cancelled, and leaves no prompt behind", async () => {
    const home = await standIn(agent);
    const { post, call } = await host(agent);
    const prompts = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith("orchestrator-prompt-"));
    const before = await prompts();
    const pending = post("do: hang", { key: "k" });
    const pid = Number(await vi.waitFor(() => readFile(join(home, "hangs"), "utf8"), { timeout: 10_000 }));
    expect(isRunning(pid)).toBe(true);
    expect((await call("DELETE", "/api/tasks?key=k")).body.reply).toBe("cancelled");
    expect((await pending).body.reply).toBe("cancelled");
    expect(isRunning(pid)).toBe(false);
    expect((await prompts()).filter((name) => !before.includes(name))).toEqual([]);
  });

  it("gets what a person passes on, where its own flags still count", async () => {
    await standIn(agent);
    const extra = {
      claude: ["--allowedTools", "Read", "--permission-mode", "plan"],
      codex: ["--skip-git-repo-check", "--sandbox", "workspace-write"],
      openclaw: ["--agent", "ops"],
    }[agent] as string[];
    const { post, open, message } = await host(agent, { args: extra });
    expect(known((await post("hello")).body).args).toEqual(expect.arrayContaining(extra));
    const id = await open();
    for (const seq of [1, 2]) {
      expect((await message(id, { data: "hello", seq, epoch: 1 })).body.reply).toBe("done");
    }
    const unknown = await (await host(agent, { args: ["--no-such"] })).post("hello");
    expect(unknown.body.error.message).toBe(
      `${agent} failed: it ended with exit code 1: error: unknown option '--no-such'`,
    );
  });

  it("says what it is, which version, and how many run", async () => {
    await standIn(agent);
    const { post, call } = await host(agent);
    expect((await call("GET", "/api/health/check")).body.facts).toEqual({
      agent,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      running: 0,
    });
    expect((await post(null)).body.result).toMatchObject({ does: expect.stringContaining(agent) });
  });

  it("that is not installed, or cannot be run here, is refused with where to get it", async () => {
    const home = await standIn(agent);
    await writeFile(join(home, "broken"), `${agent} needs another Node`);
    await expect(createAgentWorker({ agent })).rejects.toMatchObject({
      code: "bad_request",
      message: `"${agent} --version" ended with exit code 1: ${agent} needs another Node`,
      action: AGENTS[agent]!.install,
    });
    vi.stubEnv("PATH", await folderOf());
    await expect(createAgentWorker({ agent })).rejects.toMatchObject({
      code: "bad_request",
      message: `There is no program "${agent}" in any folder of PATH.`,
      action: expect.stringContaining("npm install -g"),
    });
  });
});

it("An agent that nobody knows is refused by the worker, as by the command line, which has the same names", async () => {
  for (const agent of ["claud", "toString"]) {
    await expect(createAgentWorker({ agent })).rejects.toMatchObject({
      code: "bad_request",
      action: expect.stringContaining("claude, codex, openclaw"),
    });
  }
  const option = addWorkerOptions(new Command()).options.find(({ long }) => long === "--agent");
  expect(option?.argChoices).toEqual(NAMES);
});

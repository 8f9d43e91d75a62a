import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { freshEnv, isRunning, NODE, run, start, tempFolder } from "../support/program.ts";

const STAND_IN = fileURLToPath(new URL("../host/workers/agents/stand-in.mjs", import.meta.url));

/** An environment with a cluster and a stand-in for claude in PATH. */
async function standIn(): Promise<{ env: Record<string, string>; home: string }> {
  const home = await tempFolder();
  await mkdir(join(home, "bin"));
  const program = join(home, "bin", "claude");
  await writeFile(program, `#!/bin/sh\nexec '${NODE}' '${STAND_IN}' claude "$@"\n`);
  await chmod(program, 0o755);
  const env = await freshEnv({ HOME: home });
  env.PATH = `${join(home, "bin")}${delimiter}${env.PATH}`;
  const { url } = (await start(["serve", "--port", "0"], env)).ready;
  return { env: { ...env, ORCHESTRATOR_CLUSTER_URL: String(url) }, home };
}

const answerOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
const pidIn = async (home: string) =>
  Number(await vi.waitFor(() => readFile(join(home, "hangs"), "utf8"), { timeout: 20_000, interval: 20 }));

it.each([
  [["--agent", "claud"], "Allowed choices are claude, codex, openclaw"],
  [["--agent", "claude", "--", "claude", "-p"], 'and \\"claude\\" is none'],
  [["--agent", "claude", "--worker", "search"], "--worker, --root, --only and --module do not go with it"],
  [["--agent", "claude", "--cwd", "/no/such/folder"], '\\"/no/such/folder\\" for the command does not exist'],
  [["--agent", "claude", "--env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"],
  [["--agent", "openclaw"], "npm install -g openclaw"],
])("An agent cannot be started with %j, and it is said why", async (args, why) => {
  const { env, home } = await standIn();
  const nothingElse = { ...env, PATH: join(home, "bin") };
  const { code, stderr } = await run(["instance", "--name", "A", ...args], nothingElse);
  expect(stderr).toContain(why);
  expect(code).toBe(2);
});

it("An agent keeps its session over its instance's restart, and is ended by the cancellation of its run", async () => {
  const { env, home } = await standIn();
  const startAgent = (port: string, more: string[] = []) =>
    start(["instance", "--name", "A", "--port", port, "--agent", "claude", ...more], env);
  const before = await startAgent("0");
  expect(before.ready.facts).toEqual({ agent: "claude", version: "2.1.332", running: 0 });
  expect((await run(["sessions_spawn", "--id", "s", "--instance", "A"], env)).code).toBe(0);
  const say = async (text: string) => {
    const said = await run(["sessions_send", "--id", "s", "--data", JSON.stringify(text)], env);
    return JSON.parse(answerOf(said).result).heard;
  };
  expect(await say("one")).toEqual(["one"]);
  await before.end("SIGKILL");
  const after = await startAgent(new URL(String(before.ready.url)).port, ["--", "--allowedTools", "Read"]);
  await vi.waitFor(async () => expect((await run(["health", "--instances", "A"], env)).code).toBe(0), 20_000);
  expect(await say("two")).toEqual(["one", "two"]);

  const pending = await run(
    ["route", "--instances", "A", "--payload", '"do: hang"', "--wait", "100ms", "--output", "json"],
    env,
  );
  expect(pending.code).toBe(6);
  const pid = await pidIn(home);
  expect(isRunning(pid)).toBe(true);
  const cancelled = await run(["runs", "cancel", answerOf(pending).runId, "--output", "json"], env);
  expect(answerOf(cancelled)).toMatchObject({ counts: { cancelled: 1 } });
  expect(isRunning(pid)).toBe(false);
  expect(await after.end()).toBe(0);
});

it("A second Ctrl-C ends an instance and does not leave its agent at work", async () => {
  const { env, home } = await standIn();
  const instance = await start(["instance", "--name", "A", "--agent", "claude"], env);
  const args = ["route", "--instances", "A", "--payload", '"do: hang"', "--wait", "100ms"];
  expect((await run(args, env)).code).toBe(6);
  const pid = await pidIn(home);
  instance.process.kill("SIGINT");
  await vi.waitFor(
    async () => expect((await run(["health", "--instances", "A"], env)).code).not.toBe(0),
    20_000,
  );
  expect(isRunning(pid)).toBe(true);
  expect(await instance.end("SIGINT")).toBe(130);
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 5_000);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freshEnv, NODE, PROGRAM, run, start, tempFolder } from "../support/program.ts";

/** The error that a command printed for programs. */
const errorOf = (stderr: string) => JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error;
const runIdOf = (stderr: string) => /^run (\S+)$/m.exec(stderr)?.[1] ?? "";
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout);

/** Instances that do each task by a command, and an environment that has them as its fleet. */
async function fleet(names: string[], command: string[]): Promise<Record<string, string>> {
  const env = await freshEnv();
  const urls = await Promise.all(
    names.map(async (name) => {
      const { ready } = await start(["instance", "--name", name, "--", ...command], await freshEnv());
      return `${name}=${ready.url}`;
    }),
  );
  return { ...env, ORCHESTRATOR_INSTANCES: urls.join(",") };
}

/** Runs a command with something on its standard input; how it ended. */
async function runWith(input: string, args: string[], env: Record<string, string>) {
  const child = spawn(NODE, [PROGRAM, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return { code: Number(code), ...said };
}

describe("a payload", () => {
  it("comes as JSON, from a file, or from standard input", async () => {
    const env = await fleet(["A"], ["cat"]);
    const folder = await tempFolder();
    await writeFile(join(folder, "task.json"), '{"from":"file"}');
    const route = ["route", "--instances", "A", "--payload"];
    expect(json(await run([...route, '{"from":"words"}'], env)).result).toEqual({ from: "words" });
    expect(json(await run([...route, "@task.json"], env, folder)).result).toEqual({ from: "file" });
    expect(json(await runWith('{"from":"input"}', [...route, "-"], env)).result).toEqual({ from: "input" });
    const text = await runWith("hello there", [...route, "-"], env);
    expect(text).toMatchObject({ code: 2, stdout: "" });
    expect(errorOf(text.stderr).message).toContain('--payload: standard input is not JSON: "hello there"');
    const missing = await run([...route, "@missing.json"], env, folder);
    expect(missing.code).toBe(2);
    expect(errorOf(missing.stderr).message).toContain("missing.json cannot be read");
  });

  it("that is large comes back whole, and a reader that has seen enough is let go", async () => {
    const env = await fleet(["A"], ["cat"]);
    const large = JSON.stringify("large ".repeat(500_000));
    const { code, stdout } = await runWith(large, ["fanout", "--targets", "A", "--payload", "-"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).outcomes[0].result).toHaveLength(3_000_000);
    const id = JSON.parse(stdout).runId as string;
    const page = json(await run(["runs", "show", id, "--instance", "A", "--offset", "20000"], env));
    expect(page).toMatchObject({ offset: 20_000, nextOffset: 40_000, totalChars: 3_000_000 });

    const child = spawn(NODE, [PROGRAM, "fanout", "--targets", "A", "--payload", "-"], { env });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (said: string) => {
      stderr += said;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    child.stdin.end(large);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(stderr).toMatch(/^run run-\S+\n$/);
  });
});

describe("exit codes", () => {
  it("tell what became of the work", async () => {
    const folder = await tempFolder();
    const worker = join(folder, "worker.sh");
    await writeFile(worker, 'read task\ncase "$task" in *fail*) echo no >&2; exit 3;; esac\necho "$task"\n');
    const env = await fleet(["A"], ["sh", worker]);
    env.ORCHESTRATOR_INSTANCES += ",X=http://127.0.0.1:1";
    const code = async (...args: string[]) => (await run([...args, "--retry", "0"], env)).code;

    expect(await code("route", "--instances", "X", "A", "--payload", "1")).toBe(0);
    expect(await code("route", "--instances", "X", "--payload", "1")).toBe(1);
    expect(await code("route", "--instances", "A", "--payload", '"fail"')).toBe(1);
    expect(await code("fanout", "--targets", "A", "--payload", "1")).toBe(0);
    expect(await code("fanout", "--targets", "A,X", "--payload", "1", "--aggregate")).toBe(3);
    expect(await code("fanout", "--targets", "X", "--payload", "1")).toBe(1);
    expect(await code("route", "--instances", "Z")).toBe(2);
    expect(await code("route")).toBe(2);
    expect(await code("fanout", "--targets", "A", "--timeout", "soon")).toBe(2);
  });

  it("say of a fan-out in part who has not answered, and why", async () => {
    const env = await fleet(["A"], ["cat"]);
    env.ORCHESTRATOR_INSTANCES += ",X=http://127.0.0.1:1";
    const { stdout } = await run(
      ["fanout", "--targets", "X", "A", "--payload", "1", "--retry", "0", "--aggregate", "true"],
      env,
    );
    expect(JSON.parse(stdout)).toMatchObject([
      { instance: "X", reply: "none", delivery: "not_sent", error: { code: "instance_down" } },
      { instance: "A", reply: "done", result: 1 },
    ]);
  });
});

describe("work that takes longer than the call", () => {
  it("is pending, survives the exit, and is waited for by the next command", async () => {
    const env = await fleet(["A", "B"], ["sh", "-c", "sleep 3; echo 1"]);
    const handed = await run(["fanout", "--targets", "A", "B", "--payload", "1", "--wait", "1s"], env);
    expect(handed.code).toBe(6);
    expect(json(handed).counts).toMatchObject({ pending: 2 });
    expect(handed.stderr).toContain("goes on at its instances after this exit");
    const id = runIdOf(handed.stderr);
    expect(handed.stderr).toContain(`runs wait ${id}`);
    const early = await run(["runs", "wait", id, "--wait", "0"], env);
    expect(early.code).toBe(6);
    const waited = await run(["runs", "wait", id], env);
    expect(waited.code).toBe(0);
    expect(json(waited).outcomes).toMatchObject([
      { instance: "A", reply: "done", result: 1 },
      { instance: "B", reply: "done", result: 1 },
    ]);
    expect(json(await run(["runs", "list", "--limit", "1"], env)).items).toMatchObject([{ runId: id }]);
    const combined = await run(["aggregate", "--run-id", id, "--strategy", "collect"], env);
    expect(json(combined)).toMatchObject({ sources: ["A", "B"], complete: true });
  });

  it("is cancelled at its deadline, or by the next command", async () => {
    const env = await fleet(["A"], ["sh", "-c", "sleep 60; echo 1"]);
    const late = await run(["route", "--instances", "A", "--payload", "1", "--timeout", "1s"], env);
    expect(late).toMatchObject({ code: 5, stdout: "" });
    expect(errorOf(late.stderr)).toMatchObject({ code: "timeout", delivery: "accepted" });
    const handed = await run(["fanout", "--targets", "A", "--payload", "1", "--wait", "1s"], env);
    const cancelled = await run(["runs", "cancel", runIdOf(handed.stderr)], env);
    expect(cancelled.code).toBe(0);
    expect(json(cancelled)).toMatchObject({ state: "ended", outcomes: [{ reply: "cancelled" }] });
  });
});

describe("a running server", () => {
  it("answers as the engine here does", async () => {
    const env = await fleet(["A", "B"], ["cat"]);
    env.ORCHESTRATOR_API_KEY = "sesame";
    const serve = await start(["serve", "--port", "0"], env);
    const url = String(serve.ready.url);
    const away = await freshEnv({ ORCHESTRATOR_API_KEY: "sesame" });
    const args = ["fanout", "--targets", "A", "B", "--payload", '{"n":1}', "--aggregate", "true"];
    const [here, there] = [await run(args, env), await run([...args, "--url", url], away)];
    expect(there).toMatchObject({ code: 0, stdout: here.stdout });
    away.ORCHESTRATOR_URL = url;
    const routed = await run(["route", "--instances", "B", "--payload", "1"], away);
    expect(json(routed)).toMatchObject({ instance: "B", reply: "done", result: 1 });
    expect(runIdOf(routed.stderr)).toBe(json(routed).runId);
    expect(json(await run(["sessions_spawn", "--id", "s1", "--instance", "A"], away)).instance).toBe("A");
    expect(json(await run(["sessions_send", "--id", "s1", "--data", "1"], away)).seq).toBe(1);
    expect(json(await run(["sessions_close", "--id", "s1"], away)).state).toBe("closed");
    expect(json(await run(["health"], away))).toEqual({ A: "healthy", B: "healthy" });
    const wrong = await run(["route", "--instances", "A", "--timeout", "soon"], away);
    expect(errorOf(wrong.stderr).message).toMatch(/^--timeout: /);
    const refused = await run(["health"], { ...away, ORCHESTRATOR_API_KEY: "wrong" });
    expect(refused.code).toBe(4);
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshEnv, NODE, PROGRAM, run, start, tempFolder } from "../support/program.ts";

/** The error that a command printed for programs. */
const errorOf = (stderr: string) => JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error;

describe("the command line", () => {
  it("says what it can do, and what is wrong with a word", async () => {
    const env = await freshEnv();
    expect((await run(["--help"], env)).stdout).toContain("doctor");
    expect(await run(["helth"], env)).toMatchObject({ code: 2, stderr: expect.stringContaining("health") });
    expect(await run(["up", "--instances", "H-A"], env)).toMatchObject({ code: 2, stdout: "" });
    expect(await run(["instance"], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--name"),
    });
  });

  it("names the empty fleet, the cluster that does not answer, and what to do", async () => {
    const { code, stderr, stdout } = await run(["health", "--instances", "A-H"], await freshEnv());
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const error = errorOf(stderr);
    expect(error.code).toBe("unknown_instance");
    expect(error.message).toContain("http://127.0.0.1:9 does not answer");
    expect(error.action).toContain("orchestrator up");
  });

  it("says why the fleet is empty, also when nobody was named", async () => {
    const serve = await start(["serve", "--port", "0"], await freshEnv({ ORCHESTRATOR_API_KEY: "k" }));
    const env = await freshEnv({ ORCHESTRATOR_CLUSTER_URL: `${serve.ready.url}` });
    const { code, stderr } = await run(["health"], env);
    expect(code).toBe(2);
    expect(errorOf(stderr).message).toContain(
      `The cluster at ${serve.ready.url} refused: This server demands a key`,
    );
  });

  it("ends as usual when nobody reads what it prints", async () => {
    const child = spawn(NODE, [PROGRAM, "doctor"], {
      env: await freshEnv(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    expect((await once(child, "close"))[0]).toBe(1);
    expect(stderr).toBe("");
  });

  it.runIf(existsSync("/dev/full"))("says so where there is no room for what it prints", async () => {
    const env = await freshEnv();
    const child = spawn("sh", ["-c", '"$0" "$1" runs list > /dev/full', NODE, PROGRAM], { env });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    expect((await once(child, "close"))[0]).toBe(1);
    expect(stderr).toMatch(/^stdout cannot be written: ENOSPC.*orchestrator runs show prints it\.\n$/);
  });

  it("refuses a port where something else listens, by its number", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    for (const command of ["serve", "up"]) {
      const { code, stderr } = await run([command, "--port", String(port)], await freshEnv());
      expect(code).toBe(1);
      expect(errorOf(stderr)).toMatchObject({
        code: "conflict",
        message: expect.stringContaining(String(port)),
      });
    }
  });

  it("takes something that is no instance for down, and says what answered", async () => {
    const other = createServer((_, response) => response.end("<html>hello</html>")).listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const env = await freshEnv({ ORCHESTRATOR_INSTANCES: `A=http://127.0.0.1:${port}` });
    const { code, stdout } = await run(["health", "--detail"], env);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).A).toMatchObject({ state: "down", reason: expect.stringContaining("HTML") });
  });
});

describe("init and doctor", () => {
  it("write a first configuration once, which is good", async () => {
    const env = await freshEnv();
    const { stdout } = await run(["init"], env);
    const file = stdout.trim();
    expect(file).toBe(join(env.XDG_CONFIG_HOME as string, "orchestrator", "config.json"));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await run(["init"], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is there already"),
    });
    const { findings } = JSON.parse((await run(["doctor"], env)).stdout);
    expect(findings[0]).toMatchObject({
      what: "configuration",
      ok: true,
      found: expect.stringContaining(file),
    });
  });

  it("names file, field and what was expected in a wrong configuration", async () => {
    const folder = await tempFolder();
    const file = join(folder, "config.json");
    await writeFile(file, '{"fleet":{"A":{"url":"http://127.0.0.1:1","apiKeyEnvv":"X"}},"timeout":"soon"}');
    const { code, stdout } = await run(["doctor", "--config", file], await freshEnv());
    expect(code).toBe(1);
    const [first] = JSON.parse(stdout).findings;
    expect(first).toMatchObject({ what: "configuration", ok: false });
    for (const words of [file, "fleet.A.apiKeyEnvv", "apiKeyEnv?", "timeout"])
      expect(first.found).toContain(words);
  });

  it("never read a configuration of the current folder", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, "config.json"), '{"fleet":{"EVIL":{"url":"http://127.0.0.1:1"}}}');
    const { code, stdout, stderr } = await run(["health"], await freshEnv(), folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toContain("EVIL");
    expect(stderr).toContain("The fleet is empty");
  });

  it("say what is wrong with the store, and leave the file as it was", async () => {
    const env = await freshEnv();
    const state = env.ORCHESTRATOR_STATE_DIR as string;
    await mkdir(state, { recursive: true });
    const file = join(state, "orchestrator.db");
    await writeFile(file, "this is no database, and somebody may want it back".repeat(100));
    const before = await readFile(file, "utf8");
    const { code, stdout } = await run(["doctor"], env);
    expect(code).toBe(1);
    const store = JSON.parse(stdout).findings.find(({ what }: { what: string }) => what === "store");
    expect(store).toMatchObject({ ok: false, found: expect.stringContaining(file) });
    expect(await readFile(file, "utf8")).toBe(before);
  });
});

describe("an instance", () => {
  it("finishes what runs on SIGTERM, refuses what is new, and gives its name back", async () => {
    const env = await freshEnv();
    const serve = await start(["serve", "--port", "0"], env);
    const cluster = serve.ready.url as string;
    const worker = join(await tempFolder(), "worker.sh");
    await writeFile(worker, "read line\nsleep 1\necho '{\"slept\":true}'\n");
    const instance = await start(["instance", "--name", "A", "--cluster", cluster, "--", "sh", worker], env);
    const url = instance.ready.url as string;
    const { request } = await import("undici");
    const post = (key: string) =>
      request(`${url}/api/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key, prefer: "wait=20" },
        body: '{"payload":1}',
      });
    const running = post("k1");
    const inFlight = async () =>
      ((await (await request(`${url}/api/health/check`)).body.json()) as { inFlight: number }).inFlight;
    await expect.poll(inFlight).toBe(1);
    const ended = instance.end("SIGTERM");
    await expect.poll(async () => (await request(`${url}/api/health/check`)).statusCode).toBe(503);
    const refused = await post("k2");
    expect(refused.statusCode).toBe(503);
    expect(await refused.body.json()).toMatchObject({ error: { code: "draining", delivery: "not_sent" } });
    expect(await (await running).body.json()).toMatchObject({ reply: "done", result: { slept: true } });
    expect(await ended).toBe(0);
    const members = await request(`${cluster}/api/cluster/members?kind=instance`);
    expect(await members.body.json()).toEqual({ members: [] });
  });

  it("is not started twice under one name with one state folder", async () => {
    const env = await freshEnv();
    await start(["instance", "--name", "A", "--", "cat"], env);
    const { code, stderr } = await run(["instance", "--name", "A", "--", "cat"], env);
    expect(code).toBe(1);
    expect(errorOf(stderr)).toMatchObject({ code: "conflict" });
  });

  it("says that there is nothing to search in its folder", async () => {
    const instance = await start(["instance", "--name", "A", "--root", await tempFolder()], await freshEnv());
    await expect.poll(instance.stderr).toContain("There is no text file to search");
  });

  it("says at once that its command does not exist", async () => {
    const { code, stderr } = await run(["instance", "--name", "A", "--", "no-such-agent"], await freshEnv());
    expect(code).toBe(2);
    expect(errorOf(stderr).message).toContain("no-such-agent");
  });
});

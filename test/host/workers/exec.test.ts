import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/json.ts";
import type { Worker, WorkerTask } from "../../../src/host/worker.ts";
import { createExecWorker, type ExecOptions } from "../../../src/host/workers/exec.ts";
import { startHost } from "../harness.ts";
import { folderOf } from "./folder.ts";

async function worker(command: string[], more: Partial<ExecOptions> = {}): Promise<Worker> {
  const made = await createExecWorker({ command, ...more });
  onTestFinished(() => made.close());
  return made;
}

const shell = (script: string, more?: Partial<ExecOptions>) => worker(["sh", "-c", script], more);
const node = (script: string, more?: Partial<ExecOptions>) => worker([process.execPath, "-e", script], more);

function run(made: Worker, payload: Json = {}, more: Partial<WorkerTask> = {}): Promise<Json> {
  return made
    .run({ key: "k", hops: 0, payload, cancellation: new Cancellation(), ...more })
    .then(({ result }) => result);
}

/** Whether a process is there and no zombie, which only waits for its parent to notice. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return !/\) [ZX] /.test(status);
}

/** A script that writes its own pid and those of a grandchild (in the background) to a file, then waits. */
const FAMILY =
  'sh -c "trap \\"\\" HUP; sleep 60" & echo "$$ $!" > "$PIDS.part"; mv "$PIDS.part" "$PIDS"; wait';

async function family(more: Partial<ExecOptions> = {}, script = FAMILY) {
  const pidsFile = join(await folderOf(), "pids");
  const made = await shell(script.replaceAll("$PIDS", pidsFile), more);
  const cancellation = new Cancellation();
  const ended = run(made, {}, { cancellation });
  ended.catch(() => {});
  const pids = await vi.waitFor(
    async () => (await readFile(pidsFile, "utf8")).trim().split(" ").map(Number),
    { timeout: 10_000, interval: 10 },
  );
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(await isAlive(pid)).toBe(true);
  const alive = async () => (await Promise.all(pids.map(isAlive))).some(Boolean);
  return {
    made,
    cancellation,
    ended,
    gone: () => vi.waitFor(async () => expect(await alive()).toBe(false), 5000),
  };
}

describe("a command", () => {
  it("gets the payload as JSON on standard input", async () => {
    const payload = { text: "Ä ' \" $HOME `id`", list: [1, null] };
    expect(await run(await worker(["cat"]), payload)).toEqual(payload);
  });

  it.each<[string, Json]>([
    ['{"a":[1,2]}\n', { a: [1, 2] }],
    ["42\n", 42],
    ["null", null],
    ["plain text\n", "plain text"],
    ["two\nlines\n\n", "two\nlines\n"],
    ["", ""],
    ['{"cut":', '{"cut":'],
  ])("that writes %j answers %j", async (output, result) => {
    expect(await run(await node(`process.stdout.write(${JSON.stringify(output)})`))).toEqual(result);
  });

  it("has its JSON written as it printed it, when it is answered and when it is asked for again", async () => {
    const text = '{"b":12345678901234567890,"a":[1.50]}';
    const host = await startHost({ worker: await shell(`echo '${text}'`) });
    const whole = async (method: "GET" | "POST", path: string) => {
      const headers = { "content-type": "application/json", "idempotency-key": "k", prefer: "wait=10" };
      const body = method === "POST" ? '{"payload":1}' : null;
      return (await request(host.origin + path, { method, headers, body })).body.text();
    };
    expect(await whole("POST", "/api/tasks")).toContain(`"result":${text}}`);
    expect(await whole("GET", "/api/tasks?key=k")).toContain(`"result":${text}}`);
  });

  it("gets its arguments as they are, without a shell", async () => {
    expect(await run(await worker(["printf", "%s|", "$HOME", "a b", "*; exit 1"]))).toBe(
      "$HOME|a b|*; exit 1|",
    );
  });

  it("gets the data and the history of its session", async () => {
    const session = { id: "s", state: undefined, history: [{ data: "first", result: 1 }] };
    expect(await run(await worker(["cat"]), "second", { session })).toEqual({
      data: "second",
      history: [{ data: "first", result: 1 }],
    });
  });

  it("need not read its input, be it larger than a pipe", async () => {
    expect(await run(await worker(["echo", "done"]), "x".repeat(5_000_000))).toBe("done");
  });

  it("runs in the folder that was named", async () => {
    const cwd = await folderOf();
    expect(await run(await worker(["pwd"], { cwd }))).toBe(cwd);
  });

  it("runs as often at once as there are tasks", async () => {
    const made = await worker(["cat"]);
    const results = await Promise.all([1, 2, 3, 4, 5].map((n) => run(made, n)));
    expect(results).toEqual([1, 2, 3, 4, 5]);
    expect(made.facts?.()).toEqual({ running: 0 });
  });

  it("says which program it is, but not with which arguments", async () => {
    const { description } = await worker(["cat", "--", "/secret"]);
    expect(description.does).toContain('"cat"');
    expect(JSON.stringify(description)).not.toContain("secret");
  });
});

describe("the environment of a command", () => {
  const variables = async (more?: Partial<ExecOptions>) =>
    (await run(await node("console.log(JSON.stringify(process.env))", more))) as Record<string, string>;

  it("is the host's without any variable of ours", async () => {
    for (const [name, value] of [
      ["ORCHESTRATOR_API_KEY", "secret"],
      ["orchestrator_fleet_key", "secret"],
      ["WORKER_TEST_PLAIN", "plain"],
    ] as const) {
      vi.stubEnv(name, value);
    }
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const all = await variables();
    expect(all).toMatchObject({ PATH: process.env.PATH, WORKER_TEST_PLAIN: "plain" });
    expect(Object.keys(all).filter((name) => /^orchestrator_/i.test(name))).toEqual([]);
    expect(Object.values(all)).not.toContain("secret");

    vi.stubEnv("WORKER_TEST_OTHER", "other");
    const named = await variables({ env: ["WORKER_TEST_PLAIN"] });
    expect(named).toMatchObject({ PATH: process.env.PATH, WORKER_TEST_PLAIN: "plain" });
    expect(named).not.toHaveProperty("WORKER_TEST_OTHER");
    expect(named).not.toHaveProperty("ORCHESTRATOR_API_KEY");
  });

  it.each([
    ["NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"],
    ["orchestrator_fleet_key", "is never passed on"],
    ["KEY=secret", '"KEY=…" is no name'],
  ])("cannot be asked to have %s", async (name, why) => {
    const error: unknown = await createExecWorker({ command: ["cat"], env: [name] }).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: "bad_request", message: expect.stringContaining(why) });
    expect(JSON.stringify(error)).not.toContain("secret");
  });
});

describe("a command that fails", () => {
  it("is an instance_error with its exit code and what it wrote last", async () => {
    const made = await shell("echo ignored; echo first >&2; echo the reason >&2; exit 3");
    await expect(run(made)).rejects.toMatchObject({
      code: "instance_error",
      message: '"sh" ended with exit code 3: the reason',
      details: { exitCode: 3, signal: null, stderr: "first\nthe reason\n" },
      retryable: false,
    });
  });

  it("is told by its signal when it was killed", async () => {
    await expect(run(await shell("kill -9 $$"))).rejects.toMatchObject({
      code: "instance_error",
      message: '"sh" was ended by SIGKILL.',
      details: { exitCode: null, signal: "SIGKILL" },
    });
  });

  it("has the last 4 KiB of its standard error kept", async () => {
    const made = await node('process.stderr.write("x".repeat(300000) + "end", () => process.exit(1))');
    const error: unknown = await run(made).catch((thrown) => thrown);
    const { stderr } = (error as OrchestratorError).details as { stderr: string };
    expect(stderr).toBe(`${"x".repeat(4093)}end`);
  });

  it("is stopped at the output limit, and exactly at the limit is not", async () => {
    const outputLimit = 100_000;
    const writes = (bytes: number) => node(`process.stdout.write("x".repeat(${bytes}))`, { outputLimit });
    expect(await run(await writes(outputLimit))).toHaveLength(outputLimit);
    await expect(run(await writes(outputLimit + 1))).rejects.toMatchObject({
      code: "payload_too_large",
      message: expect.stringContaining("100000 bytes"),
    });
    await expect(run(await worker(["yes"], { outputLimit }))).rejects.toMatchObject({
      code: "payload_too_large",
    });
  });

  it.each([
    ["in PATH", "no-such-program-anywhere"],
    ["at its path", "./no-such-program"],
    ["without a name", ""],
  ])("because it does not exist %s is refused when the worker is made", async (_, program) => {
    await expect(createExecWorker({ command: [program] })).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining(`"${program}"`),
    });
  });

  it("because it is no executable file, or its folder is none, is refused when the worker is made", async () => {
    const cwd = await folderOf({ "plain.txt": "text", "tool/x": "x" });
    for (const program of ["./plain.txt", "./tool"]) {
      await expect(createExecWorker({ command: [program], cwd })).rejects.toMatchObject({
        code: "bad_request",
      });
    }
    await expect(createExecWorker({ command: ["cat"], cwd: join(cwd, "none") })).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining(join(cwd, "none")),
    });
  });

  it("because it has gone meanwhile or cannot be started is an instance_error", async () => {
    const cwd = await folderOf({ tool: "#!/no/such/interpreter\n" });
    await chmod(join(cwd, "tool"), 0o755);
    await expect(run(await worker(["./tool"], { cwd }))).rejects.toMatchObject({
      code: "instance_error",
      message: expect.stringMatching(/"\.\/tool" could not be started: .*ENOENT/),
    });
  });
});

describe("the process group of a command", () => {
  it("is gone, grandchildren included, when a cancelled task ends", async () => {
    const { cancellation, ended, gone } = await family();
    cancellation.cancel(new OrchestratorError("cancelled", "Nobody waits."));
    await expect(ended).rejects.toMatchObject({ code: "cancelled", message: "Nobody waits." });
    await gone();
  });

  it("is killed when it ignores being asked", async () => {
    const stubborn =
      'trap "" TERM; (trap "" TERM; while :; do sleep 0.1; done) & echo "$$ $!" > "$PIDS.part"; mv "$PIDS.part" "$PIDS"; wait';
    const { cancellation, ended, gone } = await family({}, stubborn);
    cancellation.cancel();
    await expect(ended).rejects.toMatchObject({ code: "cancelled" });
    await gone();
  });

  it("is ended by the timeout", async () => {
    const { ended, gone } = await family({ timeoutMs: 3000 });
    await expect(ended).rejects.toMatchObject({
      code: "timeout",
      message: '"sh" did not end within 3000 ms and was stopped.',
      retryable: false,
    });
    await gone();
  });

  it("is ended when the worker closes, which waits for it", async () => {
    const { made, ended, gone } = await family();
    expect(made.facts?.()).toEqual({ running: 1 });
    await made.close();
    await expect(ended).rejects.toMatchObject({ code: "interrupted" });
    await gone();
  });

  it("does not outlive a command that ends before what it started, nor hold up its answer", async () => {
    const pidFile = join(await folderOf(), "pid");
    const made = await shell(`sleep 60 & echo $! > ${pidFile}; echo answer`);
    expect(await run(made)).toBe("answer");
    const pid = Number(await readFile(pidFile, "utf8"));
    await vi.waitFor(async () => expect(await isAlive(pid)).toBe(false), 5000);
  });

  it("is not even started for a task that was cancelled before", async () => {
    const cwd = await folderOf();
    const cancellation = new Cancellation();
    cancellation.cancel();
    const made = await shell("touch started", { cwd });
    await expect(run(made, {}, { cancellation })).rejects.toMatchObject({ code: "cancelled" });
    await expect(readFile(join(cwd, "started"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

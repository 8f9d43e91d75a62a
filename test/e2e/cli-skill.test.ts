import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freshEnv, NODE, PROGRAM, start, tempFolder } from "../support/program.ts";

// The commands of the public skill's text, letter by letter, against `orchestrator up`.

/** `openclaw orchestrator …` runs the built program. */
const OPENCLAW = `openclaw() { [ "$1" = orchestrator ] || exit 9; shift; "${NODE}" "${PROGRAM}" "$@"; }`;

interface Shell {
  code: number;
  stdout: string;
  stderr: string;
}

function shell(commands: string, env: Record<string, string>, cwd: string): Promise<Shell> {
  return new Promise((resolve) => {
    execFile(
      "sh",
      ["-c", `${OPENCLAW}\n${commands}`],
      { env, cwd, timeout: 30_000 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
      },
    );
  });
}

const NAMES = ["A", "B", "C", "D", "E", "F", "G", "H"];

describe("the public skill's commands", () => {
  it("run as they are written", async () => {
    const folder = await tempFolder();
    await writeFile(
      join(folder, "notes.md"),
      "# A task\n\nThe task is to write down the value of the data.\n",
    );
    const env = await freshEnv();
    const up = await start(["up", "--port", "0"], env, folder);
    env.ORCHESTRATOR_CLUSTER_URL = String(up.ready.cluster);
    const run = (commands: string) => shell(commands, env, folder);

    const routed = await run(`openclaw orchestrator route --instances A B --payload '{"data": "task"}'`);
    expect(routed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^run run-\S+\n$/) });
    expect(JSON.parse(routed.stdout)).toMatchObject({ instance: "A", delivery: "accepted", reply: "done" });

    const fanned = await run("openclaw orchestrator fanout --targets A-H --aggregate true --timeout 10s");
    expect(fanned.code).toBe(0);
    const entries = JSON.parse(fanned.stdout) as { instance: string; reply: string; result: unknown }[];
    expect(entries.map(({ instance, reply }) => [instance, reply])).toEqual(
      NAMES.map((name) => [name, "done"]),
    );
    expect(entries.every(({ result }) => result !== undefined)).toBe(true);

    const sessions = await run(
      `openclaw orchestrator sessions_spawn --id session1; openclaw orchestrator sessions_send --id session1 --data '{"key": "value"}'`,
    );
    expect(sessions.code).toBe(0);
    const [spawned = "", sent = ""] = sessions.stdout.trim().split("\n");
    expect(JSON.parse(spawned)).toEqual({
      sessionId: "session1",
      token: expect.stringMatching(/^\S{20,}$/),
      instance: expect.stringMatching(/^[A-H]$/),
    });
    expect(JSON.parse(sent)).toMatchObject({ sessionId: "session1", seq: 1, reply: "done" });

    const health = await run("openclaw orchestrator health --instances A-H --output json");
    expect(health).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(health.stdout)).toEqual(Object.fromEntries(NAMES.map((name) => [name, "healthy"])));

    // The fleet has no key; one that is set all the same must not be in the way.
    const written = await run(
      "export ORCHESTRATOR_API_KEY=your_key_here\nopenclaw orchestrator fanout --targets A-H --aggregate true > output.json",
    );
    expect(written).toMatchObject({ code: 0, stdout: "" });
    const output = JSON.parse(await readFile(join(folder, "output.json"), "utf8")) as unknown[];
    expect(output).toHaveLength(8);

    await writeFile(join(folder, "config.json"), '{"instances": ["A"], "timeout": 5}');
    const configured = await run("openclaw orchestrator route --config config.json --retry 3");
    expect(configured.code).toBe(0);
    expect(JSON.parse(configured.stdout)).toMatchObject({ instance: "A", reply: "done" });
  });
});

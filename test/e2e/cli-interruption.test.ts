import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { freshEnv, NODE, PROGRAM, start } from "../support/program.ts";

const SLOW = "sleep 60; echo 1";
/** Ends only when it is killed, so that a cancel takes its time. */
const STUBBORN = `trap "" TERM; ${SLOW}`;

interface Interrupted {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Two instances that do each task by a script, and how many tasks they have. */
async function slowFleet(script: string) {
  const env = await freshEnv();
  const urls = await Promise.all(
    ["A", "B"].map(async (name) => {
      const { ready } = await start(["instance", "--name", name, "--", "sh", "-c", script], await freshEnv());
      return String(ready.url);
    }),
  );
  env.ORCHESTRATOR_INSTANCES = `A=${urls[0]},B=${urls[1]}`;
  const inFlight = async () => {
    const counts = urls.map(async (url) => {
      const { body } = await request(`${url}/api/health/check`);
      return ((await body.json()) as { inFlight: number }).inFlight;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  };
  return { env, inFlight };
}

/** Runs a command, sends it a signal once its tasks are at work, and says how it ended. */
async function interrupted(
  args: string[],
  { tasks, signals, script = SLOW }: { tasks: number; signals: NodeJS.Signals[]; script?: string },
): Promise<Interrupted & { inFlight: () => Promise<number> }> {
  const { env, inFlight } = await slowFleet(script);
  const child = spawn(NODE, [PROGRAM, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  const closed = once(child, "close");
  await expect.poll(inFlight, { timeout: 20_000 }).toBe(tasks);
  for (const [index, signal] of signals.entries()) {
    // Two that come at once are one.
    if (index > 0) await expect.poll(() => said.stderr).toContain("Cancelling");
    child.kill(signal);
  }
  const [code] = await closed;
  return { code: code as number | null, ...said, inFlight };
}

describe("Ctrl-C", () => {
  it("cancels a fan-out at its instances and says what is known of each", async () => {
    const { code, stdout, stderr, inFlight } = await interrupted(
      ["fanout", "--targets", "A-B", "--payload", "1", "--aggregate", "true"],
      { tasks: 2, signals: ["SIGINT"] },
    );
    expect(code).toBe(130);
    expect(stderr).toMatch(/^run run-\S+$/m);
    expect(stderr).toContain("A: cancelled\nB: cancelled\n");
    expect(JSON.parse(stdout)).toMatchObject([{ reply: "cancelled" }, { reply: "cancelled" }]);
    expect(await inFlight()).toBe(0);
  });

  it.each<NodeJS.Signals>(["SIGINT", "SIGTERM"])("cancels one task (%s)", async (signal) => {
    const { code, stdout, stderr, inFlight } = await interrupted(
      ["route", "--instances", "A", "B", "--payload", "1"],
      { tasks: 1, signals: [signal] },
    );
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("A: cancelled\n");
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error.code).toBe("cancelled");
    expect(await inFlight()).toBe(0);
  });

  it("twice ends the command at once", async () => {
    const { code, stdout, stderr } = await interrupted(["route", "--instances", "A", "--payload", "1"], {
      tasks: 1,
      signals: ["SIGINT", "SIGINT"],
      script: STUBBORN,
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("Ctrl-C again");
    expect(stderr).not.toContain("A: cancelled");
  });
});

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshEnv, NODE, PROGRAM, start } from "../support/program.ts";

interface Round {
  at: string;
  health: Record<string, string>;
  changed: { instance: string; from: string; to: string; reason: string }[];
  error?: { code: string };
}

/** Starts a watch in a pipe; its rounds so far. */
function watch(env: Record<string, string>): { child: ChildProcess; rounds: () => Round[] } {
  const child = spawn(NODE, [PROGRAM, "health", "--watch", "--interval", "300ms"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const rounds = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Round);
  return { child, rounds };
}

describe("health --watch in a pipe", () => {
  it("says each round in a line who is well and what has changed, until Ctrl-C", async () => {
    const [a, b] = await Promise.all(
      ["A", "B"].map(async (name) => start(["instance", "--name", name, "--", "cat"], await freshEnv())),
    );
    const env = await freshEnv({ ORCHESTRATOR_INSTANCES: `A=${a!.ready.url},B=${b!.ready.url}` });
    const { child, rounds } = watch(env);
    await expect.poll(() => rounds().length, { timeout: 20_000 }).toBeGreaterThan(1);
    expect(rounds()[0]).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      health: { A: "healthy", B: "healthy" },
      changed: [],
    });
    await b!.end("SIGKILL");
    const changes = () => rounds().flatMap(({ changed }) => changed);
    await expect
      .poll(changes, { timeout: 20_000 })
      .toEqual([{ instance: "B", from: "healthy", to: "down", reason: "connection refused" }]);
    child.kill("SIGINT");
    expect((await once(child, "exit"))[0]).toBe(130);
  });

  it("goes on when a round fails, and finds the fleet once it is there", async () => {
    const serve = await start(["serve", "--port", "0"], await freshEnv());
    const env = await freshEnv({ ORCHESTRATOR_CLUSTER_URL: String(serve.ready.url) });
    const { child, rounds } = watch(env);
    await expect.poll(() => rounds().length, { timeout: 20_000 }).toBeGreaterThan(1);
    expect(rounds()[0]).toMatchObject({ error: { code: "unknown_instance" } });
    const cluster = String(serve.ready.url);
    await start(["instance", "--name", "A", "--cluster", cluster, "--", "cat"], await freshEnv());
    await expect.poll(() => rounds().at(-1)?.health, { timeout: 20_000 }).toEqual({ A: "healthy" });
    child.kill("SIGTERM");
    expect((await once(child, "exit"))[0]).toBe(0);
  });

  it("ends when nobody reads it any more", async () => {
    const env = await freshEnv({ ORCHESTRATOR_INSTANCES: "A=http://127.0.0.1:1" });
    const { child } = watch(env);
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect((await once(child, "exit"))[0]).toBe(0);
  });
});

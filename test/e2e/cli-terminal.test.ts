import { describe, expect, it } from "vitest";
import { freshEnv, start } from "../support/program.ts";
import { terminal } from "../support/terminal.ts";

// What a person sees: the commands on a pseudo-terminal.

async function fleetOf(names: string[], command: string[]): Promise<Record<string, string>> {
  const urls = await Promise.all(
    names.map(async (name) => {
      const { ready } = await start(["instance", "--name", name, "--", ...command], await freshEnv());
      return `${name}=${ready.url}`;
    }),
  );
  return freshEnv({ ORCHESTRATOR_INSTANCES: urls.join(",") });
}

describe("on a terminal", () => {
  it("a fan-out shows how far each instance is, and then a table", async () => {
    const env = await fleetOf(["A", "B"], ["sh", "-c", "cat; sleep 1"]);
    env.ORCHESTRATOR_INSTANCES += ",X=http://127.0.0.1:1";
    const words = ["fanout", "--targets", "A", "B", "X", "--payload", '{"n":1}', "--retry", "0"];
    const { text, ended } = terminal(words, env);
    await expect.poll(text, { timeout: 20_000 }).toMatch(/A {2}pending {2}\d/);
    const { code, screen } = await ended();
    expect(code).toBe(3);
    expect(screen).toMatch(
      /^run run-\S+\nINSTANCE {2}REPLY {2}TIME +RESULT\nA {9}done .* \{"n":1\}\nB {9}done .*\nX {9}none .*instance_down: X: connection refused\. → .*\n2 of 3 done, 1 failed\n$/,
    );
  });

  it("JSON is printed where it is asked for", async () => {
    const env = await fleetOf(["A"], ["cat"]);
    const { ended } = terminal(
      ["route", "--instances", "A", "--payload", '"\\u009b1m"', "--output", "json"],
      env,
    );
    const { code, screen } = await ended();
    expect(code).toBe(0);
    expect(screen).toContain('"result":"\\u009b1m"');
  });

  it("Ctrl-C cancels, and what is known of each instance stays on the screen", async () => {
    const env = await fleetOf(["A"], ["sh", "-c", "sleep 60"]);
    const { text, ended, interrupt } = terminal(["route", "--instances", "A", "--payload", "1"], env);
    await expect.poll(text, { timeout: 20_000 }).toMatch(/A {2}pending {2}\d\.\d s/);
    interrupt();
    const { code, screen } = await ended();
    expect(code).toBe(130);
    expect(screen).toMatch(/^run run-\S+\nCancelling at the instances.*\nA: cancelled\ncancelled: /);
    expect(screen).not.toContain("pending");
  });

  it("an error is words, with what to do next", async () => {
    const { ended } = terminal(["route"], await freshEnv());
    const { code, screen } = await ended();
    expect(code).toBe(2);
    expect(screen).toBe(
      "bad_request: --instances: name at least one instance.\nGive --instances A, --instances A-H or --instances '*', or set \"instances\" in the configuration.\n",
    );
  });

  it("a watch is drawn in place, with the time and what has changed", async () => {
    const instance = await start(["instance", "--name", "A", "--", "cat"], await freshEnv());
    const env = await freshEnv({ ORCHESTRATOR_INSTANCES: `A=${instance.ready.url}` });
    const { text, ended, interrupt } = terminal(["health", "--watch", "--interval", "300ms"], env);
    await expect.poll(text, { timeout: 20_000 }).toContain("healthy");
    await instance.end("SIGKILL");
    await expect.poll(text, { timeout: 20_000 }).toContain("A: healthy → down: connection refused");
    interrupt();
    const { code, screen } = await ended();
    expect(code).toBe(130);
    expect(screen.match(/INSTANCE/g)).toHaveLength(1);
    expect(screen).toMatch(/Checked at \d\d:\d\d:\d\d, every 0\.3 s/);
    expect(screen).toMatch(/\d\d:\d\d:\d\d {2}A: healthy → down: connection refused/);
  });
});

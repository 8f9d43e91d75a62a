import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshEnv, NODE, PROGRAM, start } from "../support/program.ts";

// What a person sees: the commands on a pseudo-terminal.

/** Runs its arguments on a terminal of 100 columns and ends with their exit code. */
const ON_A_TERMINAL = `
import os, pty, sys
status = pty.spawn(["sh", "-c", 'stty cols 100 rows 30; exec "$@"', "sh", *sys.argv[1:]])
sys.exit(os.waitstatus_to_exitcode(status))
`;

function terminal(args: string[], env: Record<string, string>) {
  const child = spawn("python3", ["-c", ON_A_TERMINAL, NODE, PROGRAM, ...args], {
    env: { ...env, NO_COLOR: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return {
    text: () => text,
    /** What stands there in the end, without what was written over. */
    async ended() {
      const [code] = await once(child, "close");
      return { code: code as number, screen: screenOf(text) };
    },
    /** Ctrl-C, as the terminal passes it on. */
    interrupt: () => child.stdin.write("\u0003"),
  };
}

/** The lines of a terminal on which lines are only ever added, or taken away from below. */
function screenOf(text: string): string {
  const lines: string[] = [];
  for (const part of text.replaceAll("\r", "").split("\n")) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves a cursor begins with one
    const moves = [...part.matchAll(/\u001b\[(\d+)A\u001b\[J/g)];
    for (const [, up] of moves) lines.splice(lines.length - Number(up));
    lines.push(part.slice((moves.at(-1)?.index ?? 0) + (moves.at(-1)?.[0].length ?? 0)));
  }
  return lines.join("\n");
}

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

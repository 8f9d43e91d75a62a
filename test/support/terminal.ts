import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { NODE, PROGRAM } from "./program.ts";

/** Runs its arguments on a terminal of 100 columns and ends with their exit code. */
const ON_A_TERMINAL = `
import os, pty, sys
status = pty.spawn(["sh", "-c", 'stty cols 100 rows 30; exec "$@"', "sh", *sys.argv[1:]])
sys.exit(os.waitstatus_to_exitcode(status))
`;

/** A command on a pseudo-terminal, as a person sees it. */
export function terminal(args: string[], env: Record<string, string>) {
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

import type { OrchestratorError } from "../core/errors.ts";
import { paint } from "./table.ts";

/** Lets a reader go that has seen enough, such as `head`: what is printed then is lost, and that is no failure. */
export function letReadersGo(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** One result, as JSON on its own lines. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For the person who watches; stdout is for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** An error for a person on a terminal, or as one JSON line for a program. */
export function printError(error: OrchestratorError): void {
  if (!process.stderr.isTTY) say(JSON.stringify(error));
  else say(`${paint("red", `${error.code}:`, process.stderr)} ${error.message}\n${error.action}`);
}

/** A line that is written over again, on a terminal alone. */
export function progressLine(): { show(text: string): void; end(): void } {
  const { stderr } = process;
  if (!stderr.isTTY) return { show() {}, end() {} };
  return {
    show: (text) => stderr.write(`\r\u001b[2K${text.slice(0, (stderr.columns || 80) - 1)}`),
    end: () => stderr.write("\r\u001b[2K"),
  };
}

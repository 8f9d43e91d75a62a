import type { OrchestratorError } from "../core/errors.ts";
import { writeJson } from "../core/json-text.ts";
import { EXIT } from "./exit.ts";
import { paint } from "./table.ts";
import { plain } from "./text.ts";

/** How a result is printed; without a word on it, for whoever reads it. */
export type Output = "json" | "table";

/** Lets a reader go that has seen enough, such as `head`: what is printed then is lost, and that is no failure. */
export function letReadersGo(): void {
  for (const stream of [process.stdout, process.stderr]) stream.off("error", letGo).on("error", letGo);
}

function letGo(this: NodeJS.WriteStream, error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") return;
  // Such as a full disk. Where it is stderr there is nobody left to tell.
  if (this === process.stdout)
    say(
      `stdout cannot be written: ${error.message}. What a run came to is stored: orchestrator runs show prints it.`,
    );
  process.exit(EXIT.failed);
}

export function isTable(output: Output | undefined): boolean {
  return output === "table" || (output === undefined && process.stdout.isTTY === true);
}

/** A result: for a person on a terminal in words, for a program as one line of JSON. */
export function show(output: Output | undefined, value: unknown, words: () => string): void {
  if (isTable(output)) print(words());
  else printJson(value);
}

/** One result, as a line of JSON. */
export function printJson(value: unknown): void {
  const json = writeJson(value);
  process.stdout.write(`${process.stdout.isTTY ? withoutControls(json) : json}\n`);
}

/** The same JSON, with the control characters escaped that JSON leaves as they are and a terminal obeys. */
function withoutControls(json: string): string {
  return json.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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
  else
    say(`${paint("red", `${error.code}:`, process.stderr)} ${plain(inLines(error))}\n${plain(error.action)}`);
}

/** A message of many problems, a line each. */
function inLines({ message, details }: OrchestratorError): string {
  const { problems } = details ?? {};
  if (!Array.isArray(problems) || problems.length < 2) return message;
  const [heading] = message.split(/(?<=: )/, 1);
  return [heading?.trim(), ...problems.map(({ at, problem }) => `  ${at}: ${problem}`)].join("\n");
}

/** What the caller should know though the work was done. */
export function sayWarnings({ warnings = [] }: { warnings?: readonly string[] }): void {
  for (const warning of warnings) say(`Warning: ${plain(warning)}`);
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

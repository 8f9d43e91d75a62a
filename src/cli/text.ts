import { stripVTControlCharacters } from "node:util";
import type { Counts } from "../core/answers.ts";
import type { ErrorBody } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { writeJson } from "../core/json-text.ts";

// How what instances say reads on a terminal.

/** Control characters, and those that turn the direction of text: what is left writes letters alone. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Foreign text as it may stand on a terminal: nothing in it moves the cursor or hides what was written. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(UNSEEN, "");
}

/** Foreign text as part of one line. */
export function oneLine(text: string, longest: number): string {
  // Cut first: a result may be many megabytes long.
  const line = plain(text.slice(0, 4 * longest).replace(/\s+/g, " ")).trim();
  return line.length > longest || text.length > 4 * longest
    ? `${line.slice(0, Math.max(0, longest - 1))}…`
    : line;
}

/** The beginning of a result: of the text itself where it is text, else of its JSON. */
export function excerpt(result: Json, longest: number): string {
  return oneLine(typeof result === "string" ? result : writeJson(result), longest);
}

/** A result to be read: text as it was written, anything else as JSON in lines. */
export function readable(result: Json): string {
  return plain(typeof result === "string" ? result : JSON.stringify(result, null, 2));
}

const LONGEST_MESSAGE = 300;

/** What went wrong and what to do about it. */
export function errorLine(error: ErrorBody): string {
  return `${error.code}: ${messageLine(error)}`;
}

/** The same where the code says no more than stands before it. */
export function messageLine({ message, action }: Pick<ErrorBody, "message" | "action">): string {
  return `${oneLine(message, LONGEST_MESSAGE)} → ${oneLine(action, LONGEST_MESSAGE)}`;
}

/** A span such as `142 ms` or `1.3 s`; nothing where there is none. */
export function span(ms: number | undefined): string {
  if (ms === undefined) return "";
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `1 answer`, `2 answers`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `7 of 8 done, 1 failed`. */
export function countsLine({ total, done, failed, cancelled, pending }: Counts): string {
  const rest = [
    failed > 0 && `${failed} failed`,
    cancelled > 0 && `${cancelled} cancelled`,
    pending > 0 && `${pending} pending`,
  ].filter((part) => part !== false);
  return [`${done} of ${total} done`, ...rest].join(", ");
}

/** Text in lines that are at most so wide, broken at spaces where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

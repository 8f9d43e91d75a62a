import { isObject, type Json } from "../json.ts";

// Answers are text more often than JSON: how text is told from the rest, and read.

const LONGEST_NUMBER = 400;
const LONGEST_QUOTE = 80;

/** The text that an answer is: a string, or that of `{"message":"…"}` or `{"text":"…"}` with nothing else. */
export function textIn(result: Json): string | undefined {
  if (typeof result === "string") return result;
  if (!isObject(result)) return undefined;
  const [field, ...others] = Object.keys(result);
  if (others.length > 0 || (field !== "message" && field !== "text")) return undefined;
  const text = result[field];
  return typeof text === "string" ? text : undefined;
}

/** A number, or text that is one, such as `" 4.5 "`; anything else is none. */
export function numberIn(value: Json | undefined): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  const text = value === undefined ? undefined : textIn(value);
  if (text === undefined || text.length > LONGEST_NUMBER) return undefined;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The beginning of an answer, as JSON or as the text that it is. */
export function quoted(value: Json, longest = LONGEST_QUOTE): string {
  const text = textIn(value) ?? JSON.stringify(value);
  const short = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  // A slice would keep the whole text in memory.
  return JSON.parse(JSON.stringify(short)) as string;
}

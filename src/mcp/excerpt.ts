import type { Json } from "../core/json.ts";
import { writeJson } from "../core/json-text.ts";

/** So many characters of what instances said go into one answer: a model's context is not flooded. */
export const MOST_CHARS = 20_000;

/** As much of one JSON value as an answer has room for. */
export interface Excerpt {
  /** The text itself where the value is text, else its JSON; cut to its share. */
  text: string;
  /** Length of the whole. */
  chars: number;
  whole: boolean;
}

/** Shows values side by side in `budget` characters: small ones whole, the large ones cut alike. */
export function excerpts(values: readonly Json[], budget = MOST_CHARS): Excerpt[] {
  const texts = values.map((value) => (typeof value === "string" ? value : writeJson(value)));
  const most = fairShare(
    texts.map(({ length }) => length),
    Math.max(0, budget),
  );
  return texts.map((text, index) => {
    const whole = text.length <= most;
    if (whole) checkEncodable(values[index]);
    return {
      text: whole ? text : text.slice(0, beforePair(text, most)),
      chars: text.length,
      whole,
    };
  });
}

/** What is shown whole goes out as a value too: one that is nested too deeply for that would break off the answer. */
function checkEncodable(value: unknown): void {
  JSON.stringify(value);
}

/** How many characters of these excerpts count against a budget. */
export function shownChars(shown: readonly Excerpt[]): number {
  return shown.reduce((sum, { text }) => sum + text.length, 0);
}

/** The length that each may have so that all fit. */
function fairShare(lengths: readonly number[], budget: number): number {
  let left = budget;
  const ascending = [...lengths].sort((a, b) => a - b);
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return budget;
}

/** A cut must not fall between the two halves of one character. */
function beforePair(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

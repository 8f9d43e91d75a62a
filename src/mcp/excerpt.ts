import type { Json } from "../core/json.ts";
import { writeJson } from "../core/json-text.ts";
import { cutAt } from "./cut.ts";
import type { Room } from "./room.ts";

/** As much of one JSON value as an answer has room for. */
export interface Excerpt {
  /** The text itself where the value is text, else its JSON; cut to its share. */
  text: string;
  /** Length of the whole. */
  chars: number;
  whole: boolean;
}

/** A value as text, or the beginning of one that is longer. */
export interface Beginning {
  text: string;
  /** Length of the whole. */
  chars: number;
  isJson: boolean;
}

/** Shows values side by side: small ones whole, the large ones cut alike. */
export function excerpts(values: readonly Json[], room: Room): Excerpt[] {
  return excerptsOf(values.map(asText), room);
}

export function asText(value: Json): Beginning {
  const isJson = typeof value !== "string";
  const text = isJson ? writeJson(value) : value;
  return { text, chars: text.length, isJson };
}

export function excerptsOf(texts: readonly Beginning[], { total, each }: Room): Excerpt[] {
  const share = fairShare(
    texts.map(({ chars }) => chars),
    total,
  );
  const most = Math.min(share, each);
  return texts.map(({ text, chars, isJson }) => {
    const shown = text.slice(0, cutAt(text, most, isJson));
    return { text: shown, chars, whole: shown.length === chars };
  });
}

/** How many characters of these excerpts count against the room. */
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

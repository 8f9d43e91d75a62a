/** Where a text is best cut, the best first: behind a paragraph, a line, a sentence, a word. */
const PLACES = [/\r?\n[ \t]*\r?\n/g, /\r?\n/g, /[.!?…]["'”’)\]]*\s|[。！？]/g, /\s/g] as const;

/** How much room may stay unused for the sake of a better place. */
const MOST_UNUSED = 2_000;

/**
 * How much of a text to show where there is room for `most` characters: up to a place near there at which
 * a reader would pause.
 *
 * @param isJson Then that is behind an element of a list or object, of the outermost that has one there.
 */
export function cutAt(text: string, most: number, isJson = false): number {
  if (text.length <= most) return text.length;
  const from = most - Math.min(MOST_UNUSED, most >> 2);
  return (isJson ? behindElement(text, from, most) : undefined) ?? behindWords(text, from, most);
}

function behindWords(text: string, from: number, most: number): number {
  const near = text.slice(from, most);
  for (const place of PLACES) {
    const last = Array.from(near.matchAll(place)).at(-1);
    if (last) return from + last.index + last[0].length;
  }
  return beforePair(text, most);
}

/** Commas within strings are none. */
function behindElement(json: string, from: number, most: number): number | undefined {
  let best: { end: number; depth: number } | undefined;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < most; at++) {
    const character = json[at];
    if (quoted) {
      if (character === "\\") at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    else if (character === "," && at >= from && depth <= (best?.depth ?? depth))
      best = { end: at + 1, depth };
  }
  return best?.end;
}

/** A cut must not fall between the two halves of one character. */
function beforePair(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

const LENGTH = 240;
const BEFORE = 60;
/** What a cut between the two code units of a character leaves. */
const HALF_CHARACTER = /^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g;

/** The passage around the first of the (lower-case) words that occurs in a text, on one line. */
export function snippet(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0);
  const start = places.length > 0 ? wordStart(text, Math.min(...places) - BEFORE) : 0;
  const end = start + LENGTH;
  const passage = text.slice(start, end).replace(HALF_CHARACTER, "").replace(/\s+/g, " ").trim();
  return `${start > 0 ? "…" : ""}${passage}${end < text.length ? "…" : ""}`;
}

/** The first beginning of a word at or soon after a place. */
function wordStart(text: string, place: number): number {
  if (place <= 0) return 0;
  const space = text.slice(place, place + BEFORE / 2).search(/\s/);
  return space < 0 ? place : place + space + 1;
}

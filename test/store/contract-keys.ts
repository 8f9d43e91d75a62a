/** Keys that test where one prefix ends, and the order of what comes before and after it. */
export const KEYS = [
  "a",
  "b",
  "a/1",
  "a/2",
  "a/10",
  "a%",
  "a_",
  "aX",
  "é",
  "\uffee",
  "😀",
  "😁",
  "\u{10ffff}",
  "A",
  "%",
];

/** The order of every store: by code point. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

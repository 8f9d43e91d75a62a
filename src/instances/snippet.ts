const LONGEST = 200;

/** What an instance said, short enough to be quoted in a message: one line, at most 200 characters. */
export function snippet(text: string): string {
  const line = text
    .slice(0, 4 * LONGEST)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

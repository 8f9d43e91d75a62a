const LONGEST = 100;

/** What a caller wrote, short enough to be repeated to it: at most 100 characters. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

import { styleText } from "node:util";

const colour = process.stdout.isTTY && !process.env.NO_COLOR;

export function heading(text: string): void {
  console.log(`\n${colour ? styleText("bold", text) : text}`);
}

/** Says something that has just been seen to be true; what is not true ends the demo. */
export function claim(text: string, holds: boolean, seen?: unknown): void {
  if (!holds) throw new Error(`This does not hold: ${text}\n${JSON.stringify(seen, null, 2) ?? ""}`);
  console.log(`  ${colour ? styleText("green", "✓") : "ok"} ${text}`);
}

/** Tries until it holds; a claim about something that another process is about to do. */
export async function until(holds: () => Promise<boolean>, ms = 5_000): Promise<boolean> {
  const end = performance.now() + ms;
  do {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (performance.now() < end);
  return false;
}

/** Text cut to a width, for a column. */
export function cut(text: string, width: number): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

import type { Page } from "../core/answers.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";

/** One page of a listing, a line an item, and how to turn the page. */
export function pageTable<T>(
  head: readonly string[],
  { items, next }: Page<T> | { items: readonly T[]; next?: number },
  rowOf: (item: T) => string[],
): string {
  if (items.length === 0) return "There is none.";
  const rows = items.map((item) => rowOf(item).map((cell) => oneLine(cell, 200)));
  const more = next === undefined ? [] : [`There are more: --after ${next}`];
  return [table([head, ...rows]), ...more].join("\n");
}

import { OrchestratorError } from "../core/errors.ts";
import type { ListOptions } from "../core/ports.ts";

/** Whether SQLite gives the text back as it was: no NUL, every surrogate in a pair. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** @throws OrchestratorError `bad_request` for text that cannot be part of a key in every store. */
export function checkKey(text: string): void {
  if (isPlainText(text)) return;
  throw new OrchestratorError("bad_request", `${JSON.stringify(text)} cannot be part of a stored key.`, {
    action: "Use names without NUL characters and without half surrogate pairs.",
  });
}

/** Surrogates come last: then comparing UTF-16 units compares code points, as SQLite does. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Orders keys by code point in every store. */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The first key beyond all that begin with `prefix`, if there is any. */
function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** The keys of a listing: at least `from` and below `to`; without `to` there is no end. */
export function keyRange(prefix: string, { after, reverse }: ListOptions): { from: string; to?: string } {
  checkKey(prefix);
  const to = prefixEnd(prefix);
  const range = to === undefined ? { from: prefix } : { from: prefix, to };
  if (after === undefined) return range;
  checkKey(after);
  if (reverse) return to !== undefined && compareKeys(to, after) < 0 ? range : { from: prefix, to: after };
  // Nothing lies between a key and itself followed by U+0001: keys have no NUL.
  return compareKeys(after, prefix) < 0 ? range : { ...range, from: `${after}\u0001` };
}

import { type Json, parseJson } from "../json.ts";
import { type Span, spansOfJson } from "./scan-json.ts";

/** A line that opens or closes a fenced block of Markdown. */
const FENCE = /^[ \t]*`{3,}([^\n`]*)$/gm;
/** What stands in prose and means something else: `[ ]`, `[12]`, `{}`. */
const NO_JSON = /^(?:\[\s*\d*\s*\]|\{\s*\})$/;
const LONGEST_NO_JSON = 20;
/** To find that a block is no JSON takes some microseconds, however short it is. */
const MOST_BLOCKS = 100;

/**
 * The object or array within a text: the text itself, else the last fenced block that is one, else the
 * longest that stands in the prose. In time that is linear in the text's length, whatever it holds.
 */
export function extractJson(text: string): Json | undefined {
  return container(text.trim()) ?? fenced(text) ?? bare(text);
}

function container(text: string): Json | undefined {
  if (text[0] !== "{" && text[0] !== "[") return undefined;
  const json = parseJson(text);
  return typeof json === "object" && json !== null ? json : undefined;
}

/** Models reason first and answer last. */
function fenced(text: string): Json | undefined {
  const blocks: Span[] = [];
  let opened: number | undefined;
  for (const { 0: line, 1: info = "", index } of text.matchAll(FENCE)) {
    if (opened !== undefined && info.trim() === "") {
      blocks.push({ start: opened, end: index });
      opened = undefined;
    } else {
      opened = index + line.length;
    }
  }
  for (const { start, end } of blocks.slice(-MOST_BLOCKS).reverse()) {
    const found = container(text.slice(start, end).trim());
    if (found !== undefined) return found;
  }
  return undefined;
}

function bare(text: string): Json | undefined {
  let longest: Span | undefined;
  for (const span of spansOfJson(text)) {
    if (longest && lengthOf(span) <= lengthOf(longest)) continue;
    if (lengthOf(span) > LONGEST_NO_JSON || !NO_JSON.test(text.slice(span.start, span.end))) longest = span;
  }
  return longest && parseJson(text.slice(longest.start, longest.end));
}

function lengthOf({ start, end }: Span): number {
  return end - start;
}

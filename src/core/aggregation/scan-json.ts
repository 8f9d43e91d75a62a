// Where JSON begins and ends within text that is not JSON.

/** From its opening bracket to behind its closing one. */
export interface Span {
  start: number;
  end: number;
}

type Expected = "value" | "first entry" | "first key" | "key" | "comma or end";

/**
 * The objects and arrays that stand in a text, each outermost one once, and those within brackets that
 * turned out to be none. One pass: a bracket that opens nothing is left at the first character that cannot
 * follow, and no character is read again (but for a line whose last quote opens a string that never ends).
 */
export function* spansOfJson(text: string): Generator<Span> {
  for (let at = nextBracket(text, 0); at >= 0; ) {
    const { found, next } = read(text, at);
    yield* found;
    at = nextBracket(text, next);
  }
}

function nextBracket(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (text[at] === "{" || text[at] === "[") return at;
  return -1;
}

/** Reads from an opening bracket: what was complete, and where to go on. */
function read(text: string, from: number): { found: Span[]; next: number } {
  const open: number[] = [];
  const found: Span[] = [];
  let expected: Expected = "value";
  let at = from;
  const isObject = () => text[open.at(-1) as number] === "{";
  for (; at < text.length; at++) {
    const char = text[at] as string;
    if (char === " " || char === "\n" || char === "\t" || char === "\r") continue;
    const mayEnd = expected !== "value" && expected !== "key";
    if (mayEnd && open.length > 0 && char === (isObject() ? "}" : "]")) {
      const start = open.pop() as number;
      // What stands within it is a part of it.
      while ((found.at(-1)?.start ?? -1) > start) found.pop();
      found.push({ start, end: at + 1 });
      if (open.length === 0) return { found, next: at + 1 };
      expected = "comma or end";
    } else if (expected === "comma or end") {
      if (char !== ",") break;
      expected = isObject() ? "key" : "value";
    } else if (expected === "key" || expected === "first key") {
      const end = char === '"' ? endOfString(text, at) : -1;
      const colon = end < 0 ? -1 : afterSpace(text, end);
      if (text[colon] !== ":") return { found, next: end < 0 ? at + Number(char === '"') : end };
      at = colon;
      expected = "value";
    } else if (char === "{" || char === "[") {
      open.push(at);
      expected = char === "{" ? "first key" : "first entry";
    } else {
      const end = char === '"' ? endOfString(text, at) : endOfScalar(text, at);
      if (end < 0) return { found, next: at + Number(char === '"') };
      at = end - 1;
      expected = "comma or end";
    }
  }
  return { found, next: at };
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (" \n\t\r".includes(text[at] ?? "?")) at++;
  return at;
}

/** Behind the closing quote; -1 where the line, or what JSON allows in a string, ends before. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return -1;
    if (code === 0x5c) at++;
  }
  return -1;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function endOfScalar(text: string, from: number): number {
  SCALAR.lastIndex = from;
  return SCALAR.test(text) ? SCALAR.lastIndex : -1;
}

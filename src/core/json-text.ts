// What instances answer is passed on as it came: beside a value stands the JSON text that it was parsed from, and
// that is what is written wherever the value is. Nothing is encoded again, and nothing altered: no number is rounded,
// no key moved. Only text that was parsed is kept, so it cannot break what it is put into.
//
// Nobody in here changes a value that has its text kept. A program that imports the engine may change what it was
// given: so what callers hand in, such as payloads, is never written with this.

/** By the object or array itself: the text goes when that does. */
const texts = new WeakMap<object, string>();

/** How far down results stand at most: `aggregate.dissent[0].values[0].value`. */
const LEVELS = 6;

/** White space that is more than a space: within strings JSON has none. */
const BREAKS = ["\n", "\r", "\t"];
/** An escape that JSON.stringify would not write: `\u4e2d` is six characters, and none that a person can read. */
const NEEDLESS = /\\u(?!00[01])/;

/**
 * Keeps the JSON text that a value was parsed from, and returns the value. Text that is broken into lines, or has
 * letters escaped, is not kept: what people and models read stays as short and legible as if it were encoded here.
 */
export function keepText<T>(value: T, text: string): T {
  if (typeof value === "object" && value !== null && isLegible(text)) texts.set(value, text);
  return value;
}

/** Told by plain searches, which cost nothing beside the parsing. */
function isLegible(text: string): boolean {
  if (BREAKS.some((each) => text.includes(each))) return false;
  return !text.includes("\\u") || !NEEDLESS.test(text);
}

/**
 * Writes a value as `JSON.stringify` does, but what has its text kept as that text. Only `toJSON` beside a kept text
 * is not told its key.
 */
export function writeJson(value: unknown): string {
  return spliced(value, LEVELS) ?? JSON.stringify(value);
}

/** The text of a value that has a kept text within it; `undefined` where `JSON.stringify` does as well. */
function spliced(value: unknown, levels: number): string | undefined {
  if (!hasKept(value, levels)) return undefined;
  const kept = texts.get(value);
  if (kept !== undefined) return kept;
  const write = (member: unknown) => spliced(member, levels - 1) ?? JSON.stringify(member);
  // Joining a list of them would copy all that has been written, once a level.
  let text = "";
  if (Array.isArray(value)) {
    for (const member of value) text += `${text && ","}${write(member) ?? "null"}`;
    return `[${text}]`;
  }
  for (const [key, member] of Object.entries(value)) {
    const written = write(member);
    if (written !== undefined) text += `${text && ","}${JSON.stringify(key)}:${written}`;
  }
  return `{${text}}`;
}

/** It goes before all that is written, and so in plain loops: `Object.values` would take several times as long. */
function hasKept(value: unknown, levels: number): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (texts.has(value)) return true;
  if (levels === 0 || "toJSON" in value) return false;
  if (Array.isArray(value)) {
    for (const member of value) if (hasKept(member, levels - 1)) return true;
    return false;
  }
  for (const key in value) if (hasKept(value[key as never], levels - 1)) return true;
  return false;
}

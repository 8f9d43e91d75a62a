import { isObject, type Json } from "../json.ts";

/** The steps to a place within JSON: keys and places in lists. */
export type Path = readonly string[];

const STEP = /\.?([^.[\]"]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads `a.b`, `items[0].score` or `["x.y"].z`; the empty path is the whole. `undefined` for what is none. */
export function parsePath(text: string): Path | undefined {
  const path: string[] = [];
  for (let at = 0; at < text.length; ) {
    STEP.lastIndex = at;
    const [step, name, index, quotedName] = STEP.exec(text) ?? [];
    // A dot stands between two names, not before the first.
    if (step === undefined || (name !== undefined && step.startsWith(".") !== at > 0)) return undefined;
    const key = name ?? index ?? unquoted(quotedName as string);
    if (key === undefined) return undefined;
    path.push(key);
    at += step.length;
  }
  return path;
}

function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** A path that a schema has checked. */
export function pathOf(text: string): Path {
  return parsePath(text) ?? [text];
}

/** What stands at a path; `undefined` where it leads nowhere. Only what is an object's own is found. */
export function valueAt(value: Json, path: Path): Json | undefined {
  let at: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(at)) at = /^\d+$/.test(step) ? at[Number(step)] : undefined;
    else at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

/** The path to a key below another path. */
export function within(path: string, key: string): string {
  if (key === "" || /[.[\]"\s]/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

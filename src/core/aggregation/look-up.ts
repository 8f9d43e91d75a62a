import { isObject, type Json } from "../json.ts";
import { extractJson } from "./extract-json.ts";
import { type Path, valueAt } from "./path.ts";
import { textIn } from "./text.ts";

/** Something found in an answer, and whether it stood within text. */
export interface Found<T> {
  found: T;
  extracted: boolean;
}

/** What stands at a path of an answer, or of the JSON within its text. */
export function lookUp(result: Json, path: Path): Found<Json> | undefined {
  const found = valueAt(result, path);
  return found === undefined ? within(result, (json) => valueAt(json, path)) : { found, extracted: false };
}

export const LIST_FIELDS = ["hits", "results", "items"];

/**
 * The list that an answer is, or that it has in `hits`, `results` or `items`; of text, that of the JSON
 * within it, else its lines that are marked as a list's (`- `, `* `, `1. `), without their marks.
 */
export function listIn(result: Json): Found<Json[]> | undefined {
  const found = listOf(result);
  if (found) return { found, extracted: false };
  const extracted = within(result, listOf);
  if (extracted) return extracted;
  const lines = markedLines(textIn(result) ?? "");
  return lines.length > 0 ? { found: lines, extracted: true } : undefined;
}

/** The JSON within an answer that is text; `undefined` where there is none, or it is no text. */
export function jsonWithin(result: Json): Json | undefined {
  const text = textIn(result);
  return text === undefined ? undefined : extractJson(text);
}

function within<T>(result: Json, find: (json: Json) => T | undefined): Found<T> | undefined {
  const json = jsonWithin(result);
  const found = json === undefined ? undefined : find(json);
  return found === undefined ? undefined : { found, extracted: true };
}

function listOf(json: Json): Json[] | undefined {
  if (Array.isArray(json)) return json;
  if (!isObject(json)) return undefined;
  for (const field of LIST_FIELDS) {
    const list = Object.hasOwn(json, field) ? json[field] : undefined;
    if (Array.isArray(list)) return list;
  }
  return undefined;
}

const MARKED = /^\s*(?:[-*•]|\d{1,4}[.)])\s+(\S.*)$/;

function markedLines(text: string): string[] {
  return text.split("\n").flatMap((line) => MARKED.exec(line)?.[1]?.trimEnd() ?? []);
}

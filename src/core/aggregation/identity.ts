import { canonicalJson, type Json } from "../json.ts";
import { type Path, valueAt } from "./path.ts";

/**
 * What tells one entry of a list from another: the text at `path`, or without one, or with nothing there,
 * the whole entry. What is no text counts as its canonical JSON.
 */
export function identity(entry: Json, path: Path = []): string {
  const named = valueAt(entry, path) ?? entry;
  return typeof named === "string" ? named : canonicalJson(named);
}

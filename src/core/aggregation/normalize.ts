import { isObject, type Json } from "../json.ts";
import type { Normalization } from "./strategy.ts";
import { numberIn, textIn } from "./text.ts";

/**
 * A value as it is compared. All text within it is read as told: `none` as it is; `trim` without the
 * spaces around it; `lower` also without case; `number` also as the number that it is, if it is one. Text
 * in `{"message":"…"}` is the text itself.
 */
export function normalized(value: Json, how: Normalization): Json {
  const text = textIn(value);
  if (text !== undefined) return readAs(text, how);
  if (Array.isArray(value)) return value.map((inner) => normalized(inner, how));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalized(inner, how)]));
}

function readAs(text: string, how: Normalization): Json {
  if (how === "none") return text;
  const trimmed = text.trim();
  if (how === "trim") return trimmed;
  return (how === "number" ? numberIn(trimmed) : undefined) ?? trimmed.toLowerCase();
}

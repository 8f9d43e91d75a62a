import { isObject, type Json } from "../json.ts";
import type { Aggregate } from "./strategy.ts";

/** One text: the answers in target order with `separator` between two of them. */
export const concat: Aggregate = (results, { separator = "\n\n" }) => ({
  value: results.map(({ result }) => textOf(result)).join(separator),
  sources: results.map(({ instance }) => instance),
});

/** A string as it is, `{"message": "…"}` and `{"text": "…"}` as their string, all else as JSON text. */
function textOf(result: Json): string {
  if (typeof result === "string") return result;
  const [field, ...others] = isObject(result) ? Object.entries(result) : [];
  const isText =
    field !== undefined && others.length === 0 && (field[0] === "message" || field[0] === "text");
  return isText && typeof field[1] === "string" ? field[1] : JSON.stringify(result);
}

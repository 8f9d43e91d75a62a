import { isObject, type Json } from "./json.ts";

/** The text of a payload: a string or `{"message": "…"}` as it is, anything else as JSON; of none, nothing. */
export function textOf(payload: Json): string {
  if (payload === null) return "";
  if (typeof payload === "string") return payload;
  if (isObject(payload) && typeof payload.message === "string" && Object.keys(payload).length === 1)
    return payload.message;
  return JSON.stringify(payload);
}

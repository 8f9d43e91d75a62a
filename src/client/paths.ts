import { OrchestratorError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";

/** An id as a segment of a path. Without one the path would be that of another call. */
export function idIn(id: string, field: string): string {
  if (typeof id === "string" && id !== "") return encodeURIComponent(id.toWellFormed());
  throw new OrchestratorError("bad_request", `${field}: expected text, and it is empty.`, {
    delivery: "not_sent",
  });
}

/** The parameters that are defined, with the question mark. */
export function query(parameters: Record<string, string | number | boolean | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

/** Whether an answer has the field that every answer of its call has. */
export function has(field: string): (body: JsonObject) => boolean {
  return (body) => Object.hasOwn(body, field);
}

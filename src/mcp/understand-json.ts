import { isObject, type Json, parseJson } from "../core/json.ts";

// JSON that was sent as text: clients send objects and arrays so.

/** Text as the JSON that it is, if that is of the wanted kind. */
export function readJson(value: unknown, isWanted: (json: Json) => boolean): unknown {
  const json = typeof value === "string" ? parseJson(value) : undefined;
  return json !== undefined && isWanted(json) ? json : value;
}

export function isStructure(json: Json): boolean {
  return typeof json === "object" && json !== null;
}

/** Plain text goes as `message`. */
export function readMessage(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const json = parseJson(value);
  return json !== undefined && isStructure(json) ? json : { message: value };
}

/** A message for each of several instances. */
export function readPayloads(value: unknown): unknown {
  const payloads = readJson(value, isObject);
  if (!isObject(payloads)) return payloads;
  return Object.fromEntries(Object.entries(payloads).map(([name, payload]) => [name, readMessage(payload)]));
}

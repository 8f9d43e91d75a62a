import { isObject } from "../core/json.ts";
import type { PlainObject, PlainSchema } from "./plain-schema.ts";
import { readJson, readMessage, readPayloads } from "./understand-json.ts";
import { readSteps, readStructure } from "./understand-plan.ts";

/** What has a form of its own, which its schema does not say. */
const READERS: Record<string, (value: unknown) => unknown> = {
  payloads: readPayloads,
  steps: readSteps,
  // What inputs are called, and of which types they are, is for the plan to say.
  inputs: (value) => readJson(value, isObject),
  output: readStructure,
};

/**
 * Arguments as their sender most likely meant them: JSON that was sent as text, numbers and booleans
 * as text, text where a message was asked for, `null` for what was left out. What is still wrong is
 * left for the validation to name.
 */
export function understand(sent: Record<string, unknown>, schema: PlainObject): Record<string, unknown> {
  const understood = Object.entries(sent).flatMap(([given, value]) => {
    const name = nameOf(given, sent, schema);
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property === undefined) return [[name, value]];
    if (value === null && !isMessage(property)) return [];
    const read = READERS[name] ?? ((given: unknown) => readValue(given, property));
    return [[name, read(value)]];
  });
  return Object.fromEntries(understood);
}

const OTHER_NAME: Record<string, string> = { targets: "instances", instances: "targets" };

/** `targets` and `instances` are accepted for each other. */
function nameOf(given: string, sent: Record<string, unknown>, { properties }: PlainObject): string {
  const other = OTHER_NAME[given];
  if (other === undefined || given in properties || !(other in properties)) return given;
  return Object.hasOwn(sent, other) ? given : other;
}

function readValue(value: unknown, schema: PlainSchema): unknown {
  if (isMessage(schema)) return readMessage(value);
  switch (schema.type) {
    case "boolean":
      return typeof value === "string"
        ? ({ true: true, false: false }[value.trim().toLowerCase()] ?? value)
        : value;
    case "integer":
    case "number":
      return typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value))
        ? Number(value)
        : value;
    case "string":
      return typeof value === "number" ? String(value) : value;
    case "array":
      return readJson(value, Array.isArray);
    case "object":
      return readObject(
        readJson(value, (json) => typeof json !== "number" && json !== null),
        schema,
      );
  }
}

function readObject(value: unknown, { properties = {} }: PlainSchema): unknown {
  if (!isObject(value)) return value;
  const read = Object.entries(value).map(([name, inner]) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return [name, property === undefined ? inner : readValue(inner, property)];
  });
  return Object.fromEntries(read);
}

function isMessage({ properties }: PlainSchema): boolean {
  return properties?.message !== undefined;
}

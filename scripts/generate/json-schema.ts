import { code, codes } from "./markdown.ts";

/** As much of JSON Schema as zod makes of our inputs. */
export interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  required?: string[];
  default?: unknown;
  description?: string;
}

/** The type of a field in a few words. */
export function typeOf(schema: JsonSchema): string {
  const { type, anyOf, items } = schema;
  if (schema.enum) return codes(schema.enum);
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (anyOf) return isSelector(anyOf) ? "selector" : unique(anyOf.map(typeOf)).join(" or ");
  if (Array.isArray(type)) return type.join() === "number,string" ? "time" : type.join(" or ");
  if (type === "array") return items ? `list of ${pluralOf(typeOf(items))}` : "list";
  return type ?? "any JSON";
}

/** Text, or a list of it: what picks instances. */
function isSelector([text, list, ...more]: readonly JsonSchema[]): boolean {
  return (
    more.length === 0 && text?.type === "string" && list?.type === "array" && list.items?.type === "string"
  );
}

function pluralOf(type: string): string {
  return /^[a-z]+$/.test(type) ? `${type}s` : type;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** What holds where a field is left out. */
export function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? "" : code(JSON.stringify(value));
}

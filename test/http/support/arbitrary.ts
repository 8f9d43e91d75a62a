import fc from "fast-check";
import type { Schema } from "./document.ts";

/** Any JSON, often of the kind that careless code falls over. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>("", "\u0000", "\ud800", "constructor", "toString", "*", "A", "10s", "-1"),
  fc.constantFrom<unknown>(-1, 0, 1e300, 2 ** 53, [], {}, [[]], null, { a: { b: [null] } }),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** Makes what the schema of the document takes; `known` makes what is there, for fields of that name. */
export function taken(schema: Schema, known: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const { type, anyOf, enum: values, const: constant, ...rest } = schema;
  checkKeywords(rest);
  if (values) return fc.constantFrom(...(values as unknown[]));
  if (constant !== undefined) return fc.constant(constant);
  if (anyOf) return fc.oneof(...(anyOf as Schema[]).map((each) => taken(each, known)));
  if (Array.isArray(type)) return fc.oneof(...type.map((each) => taken({ ...rest, type: each }, known)));
  switch (type) {
    case undefined:
      return anyJson;
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({
        min: Math.max(Number(rest.minimum ?? 0), -(2 ** 31)),
        max: Math.min(Number(rest.maximum ?? 2 ** 31 - 1), 2 ** 31 - 1),
      });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "string":
      return textOf(rest);
    case "array":
      return fc.array(taken(rest.items as Schema, known), {
        minLength: Number(rest.minItems ?? 0),
        maxLength: Math.min(Number(rest.maxItems ?? 4), 4),
      });
    case "object":
      return objectOf(rest, known);
    default:
      throw new Error(`no values of type ${type} are made here`);
  }
}

/** What {@link taken} heeds, or need not. */
const KEYWORDS = new Set([
  ...["description", "default", "minimum", "maximum", "minLength", "maxLength", "pattern", "format"],
  ...["items", "minItems", "maxItems", "properties", "required", "additionalProperties", "propertyNames"],
]);

function checkKeywords(schema: Schema): void {
  const strange = Object.keys(schema).filter((keyword) => !KEYWORDS.has(keyword));
  if (strange.length > 0) throw new Error(`no values are made here that heed ${strange.join(", ")}`);
}

function textOf({ pattern, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  if (pattern) return fc.stringMatching(new RegExp(String(pattern)));
  const length = { minLength: Number(minLength ?? 0), maxLength: Math.min(Number(maxLength ?? 60), 60) };
  return fc.oneof(fc.string(length), fc.string({ ...length, unit: "binary" }));
}

function objectOf(schema: Schema, known: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  const { properties, required = [], additionalProperties, propertyNames } = schema;
  if (!properties && propertyNames) {
    const values = taken(additionalProperties as Schema, known);
    const names = textOf(propertyNames as Schema);
    return fc.dictionary(known.name ? fc.oneof(names, known.name as fc.Arbitrary<string>) : names, values, {
      maxKeys: 3,
    });
  }
  const fields = Object.entries((properties ?? {}) as Record<string, Schema>).map(([name, each]) => {
    const made = taken(each, known);
    // What is there more often than not: else hardly a call would come to do anything.
    return [name, known[name] ? fc.oneof({ weight: 4, arbitrary: known[name] }, made) : made] as const;
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: required as string[] });
}

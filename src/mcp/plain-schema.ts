import * as z from "zod";

/** A JSON Schema of one simple type, and no keyword that a client could stumble over. */
export interface PlainSchema {
  type: "object" | "array" | "string" | "integer" | "number" | "boolean";
  description?: string;
  enum?: string[];
  items?: PlainSchema;
  properties?: Record<string, PlainSchema>;
  required?: string[];
  additionalProperties?: boolean;
}

export interface PlainObject extends PlainSchema {
  type: "object";
  properties: Record<string, PlainSchema>;
}

const KEYWORDS = ["type", "description", "enum", "items", "properties", "required", "additionalProperties"];

/**
 * What is advertised of an input: each argument by its `plain` meta, where its schema accepts more; those
 * whose meta is `false` are taken and not shown.
 */
export function plainInput(schema: z.ZodType): PlainObject {
  return toPlain(schema, "input");
}

/** The same with what is taken and not shown: what is sent for it is understood as well. */
export function understoodInput(schema: z.ZodType): PlainObject {
  return toPlain(schema, "input", true);
}

/**
 * What is advertised of an output. Nothing is required of it: an error is structured content too, and
 * clients of the 1.x SDK hold that against this schema as well.
 */
export function plainOutput(schema: z.ZodType): PlainObject {
  return { ...withoutDefaults(toPlain(schema, "output")), additionalProperties: true } as PlainObject;
}

/** Of an answer names and types are enough: nothing is required within it, all is open, and words cost tokens. */
function withoutDefaults(full: PlainSchema): PlainSchema {
  const { required: _, additionalProperties: __, enum: ___, ...schema } = full;
  const { items, properties } = schema;
  return {
    ...schema,
    ...(items && { items: withoutDefaults(items) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, withoutDefaults(property)]),
      ),
    }),
  };
}

function toPlain(schema: z.ZodType, io: "input" | "output", showsHidden = false): PlainObject {
  const json = z.toJSONSchema(schema, {
    io,
    // What is not JSON Schema by nature is shown by its plain meta.
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      const plain = z.globalRegistry.get(zodSchema)?.plain;
      if (plain === undefined || (plain === false && showsHidden)) return;
      const { description } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      if (plain === false) jsonSchema.hidden = true;
      else Object.assign(jsonSchema, plain, description !== undefined && { description });
    },
  });
  return stripped(json) as PlainObject;
}

function stripped(schema: Record<string, unknown>): PlainSchema {
  // What is taken and not shown must not be forbidden: clients hold what they send against this.
  if (hidesSome(schema.properties)) schema.additionalProperties = true;
  const entries = KEYWORDS.filter((key) => key in schema).map((key) => [
    key,
    strippedValue(key, schema[key]),
  ]);
  return Object.fromEntries(entries);
}

function hidesSome(properties: unknown): boolean {
  return Object.values((properties ?? {}) as Record<string, { hidden?: boolean }>).some(
    ({ hidden }) => hidden,
  );
}

function strippedValue(keyword: string, value: unknown): unknown {
  if (keyword === "items") return stripped(value as Record<string, unknown>);
  if (keyword === "additionalProperties") return value !== false;
  if (keyword !== "properties") return value;
  const properties = Object.entries(value as Record<string, Record<string, unknown>>);
  const shown = properties.filter(([, { hidden }]) => !hidden);
  return Object.fromEntries(shown.map(([name, property]) => [name, stripped(property)]));
}

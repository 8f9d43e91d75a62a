import * as z from "zod";
import { planFields, stepSchema } from "../../src/core/plan.ts";
import { SESSION_CALLS, STEP_CALLS } from "../../src/core/plan-calls.ts";
import { orchestrateInput } from "../../src/core/requests.ts";
import type { JsonSchema } from "./json-schema.ts";

// The JSON Schema of a file that holds a plan, for editors: more than the schema of a call says, since the
// calls of its steps are spelled out. What it cannot say, such as who needs whom, is checked when it is run.

interface Schema extends JsonSchema {
  $ref?: string;
  oneOf?: Schema[];
}

const REFERENCE: Schema = { $ref: "#/$defs/reference" };

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    // What faces for models show in its place is not for editors.
    override: ({ jsonSchema }) => void delete jsonSchema.plain,
  });
  return JSON.parse(JSON.stringify(rest)) as Schema;
}

/** A call as a step has it: a reference may stand wherever a value does. */
function callOf(schema: z.ZodType): Schema {
  return within(schemaOf(schema));
}

function within(schema: Schema): Schema {
  const { properties, items, anyOf, additionalProperties: others } = schema;
  return {
    ...schema,
    ...(properties && { properties: mapped(properties, open) }),
    ...(items && { items: open(items) }),
    ...(anyOf && { anyOf: anyOf.map(within) }),
    ...(typeof others === "object" && { additionalProperties: open(others) }),
  };
}

/** The same, or a reference to it. */
function open(schema: Schema): Schema {
  const { description, default: value, ...rest } = within(schema);
  const said = {
    ...(description !== undefined && { description }),
    ...(value !== undefined && { default: value }),
  };
  if (Object.keys(rest).length === 0) return said;
  return {
    ...said,
    anyOf: [...(rest.anyOf && Object.keys(rest).length === 1 ? rest.anyOf : [rest]), REFERENCE],
  };
}

function mapped(
  properties: Record<string, Schema>,
  change: (schema: Schema) => Schema,
): Record<string, Schema> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, change(schema)]));
}

export function planSchema(): string {
  const step = schemaOf(stepSchema);
  const sessions = Object.entries(SESSION_CALLS).map(([name, schema]) => ({
    type: "object",
    properties: { [name]: callOf(schema) },
    required: [name],
    additionalProperties: false,
  }));
  const calls: Record<string, Schema> = {
    ...mapped(STEP_CALLS as never, callOf as never),
    session: { oneOf: sessions },
  };
  const kinds = Object.keys(calls);
  const { steps, timeout } = schemaOf(orchestrateInput).properties ?? {};
  const whole = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A plan for orchestrator orchestrate",
    description: "Steps that need one another, over a fleet of instances. Made by npm run generate.",
    type: "object",
    properties: {
      ...schemaOf(z.strictObject(planFields)).properties,
      steps: { ...steps, items: { $ref: "#/$defs/step" } },
      timeout,
    },
    required: ["steps"],
    additionalProperties: false,
    $defs: {
      reference: {
        type: "string",
        pattern: "\\$\\{",
        description: "A reference, such as ${steps.id.value}.",
      },
      step: {
        ...step,
        properties: {
          ...step.properties,
          ...Object.fromEntries(
            kinds.map((kind) => [
              kind,
              { ...calls[kind], description: step.properties?.[kind]?.description },
            ]),
          ),
        },
        oneOf: kinds.map((kind) => ({ required: [kind] })),
      },
    },
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

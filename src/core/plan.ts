import * as z from "zod";
import { budgetSchema } from "./budget.ts";
import type { Budget } from "./calls.ts";
import { duration } from "./duration.ts";
import { isObject } from "./json.ts";
import { json } from "./request-fields.ts";

// A plan as data: steps that need one another, and references to what earlier ones came to.

/** Names of steps and inputs: such as a path can name without quotes. */
const PLAN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const planName = z.string().regex(PLAN_NAME, {
  error: "expected 1 to 64 letters, digits or '_', beginning with a letter or '_'",
});

/** What a step does: one of these, with the fields that the call of that name has. */
export const STEP_KINDS = ["delegate", "fanout", "aggregate", "session"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

const call = z.record(z.string(), json);

/** A comparison, or a value that counts as true: not null, false, 0, or empty. */
const condition = z.union([
  z.string(),
  z.boolean(),
  z
    .strictObject({
      value: json,
      equals: json.optional(),
      notEquals: json.optional(),
      greaterThan: z.union([z.number(), z.string()]).optional(),
      lessThan: z.union([z.number(), z.string()]).optional(),
      exists: z.boolean().optional(),
    })
    .refine((given) => Object.keys(given).length === 2, {
      error: "give value and one of equals, notEquals, greaterThan, lessThan, exists",
    }),
]);
export type Condition = z.output<typeof condition>;

const onError = z
  .union([
    z.enum(["fail", "continue"]),
    z.strictObject({ use: json }),
    z.strictObject({ fallback: planName }),
  ])
  .describe(
    'When it fails: "fail" ends the plan, "continue" goes on without a value, {"use":…} with this one, {"fallback":"id"} with that step\'s.',
  );
export type OnError = z.output<typeof onError>;

const concurrency = z.number().int().min(1).max(256);

export const stepSchema = z
  .strictObject({
    id: planName,
    needs: z.array(planName).default([]).describe("Steps that must have ended before this one begins."),
    delegate: call.optional().describe("One task, as the call delegate takes it."),
    fanout: call.optional().describe("One task to many, as the call fanout takes it."),
    aggregate: call
      .optional()
      .describe('Answers of earlier steps made one: {"from":["id"],"strategy":…}, or responses.'),
    session: call
      .optional()
      .describe('{"spawn":{…}}, {"send":{…}} or {"close":{…}}, each as the call of that name takes it.'),
    forEach: json.optional().describe("A list, or a reference to one: the step is done for each ${item}."),
    concurrency: concurrency.optional().describe("forEach: how many at once; default 8."),
    when: condition.optional().describe("Only if this is so: a reference, or a comparison."),
    onError: onError.default("fail"),
    timeout: duration.optional().describe("Deadline of each of its calls."),
    retries: z.number().int().min(0).max(10).optional(),
  })
  .refine((step) => STEP_KINDS.filter((kind) => step[kind] !== undefined).length === 1, {
    error: `give one of ${STEP_KINDS.join(", ")}`,
    // Also where there is more to say.
    when: ({ value }) => isObject(value),
  });
export type Step = z.output<typeof stepSchema>;

const WRONG = new WeakMap<Step, readonly z.core.$ZodIssue[]>();

/** What is wrong with the fields of a step, besides what they refer to. */
export function issuesIn(step: Step): readonly z.core.$ZodIssue[] {
  return WRONG.get(step) ?? [];
}

/** A step that is wrong passes: the plan's check says what is wrong with it together with all the rest. */
export const planStep = stepSchema.catch((wrong) => {
  // JSON Schema asks for a default here, and there is none.
  if (wrong === undefined) return undefined as unknown as Step;
  const { issues } = wrong.error;
  const names = new Set(issues.map(({ path }) => path[0]));
  const given = isObject(wrong.value) ? Object.entries(wrong.value) : [];
  const right = given.filter(([name]) => Object.hasOwn(stepSchema.shape, name) && !names.has(name));
  const step: Step = { id: "", needs: [], onError: "fail", ...Object.fromEntries(right) };
  WRONG.set(step, issues);
  return step;
});

const plainList = { type: "array", items: { type: "string" } };
/** Open, as JSON Schema has it where nothing is said. */
const plainCall = (properties: object) => ({ type: "object", properties });

/** Steps as a face for models shows them: what may be of several types is left to be described. */
export const plainSteps = {
  type: "array",
  items: {
    type: "object",
    properties: {
      id: { type: "string" },
      needs: plainList,
      delegate: plainCall({ instances: plainList }),
      fanout: plainCall({ targets: plainList }),
      aggregate: plainCall({ from: plainList }),
      session: plainCall({ send: plainCall({ sessionId: { type: "string" } }) }),
      forEach: { type: "string", description: "A list, e.g. ${steps.id.value}: once for each ${item}." },
      when: { type: "string", description: "Only if this holds something." },
      onError: { type: "string", description: 'fail, continue, {"use":…} or {"fallback":"id"}.' },
    },
    required: ["id"],
  },
};

const plainObject = { type: "object", properties: { name: { type: "string" } }, additionalProperties: true };

export const planFields = {
  // For people and editors: a tool shows neither.
  $schema: z.string().optional().meta({ plain: false }),
  description: z.string().optional().meta({ plain: false }),
  inputs: z
    .record(planName, json)
    .optional()
    .describe("Values that steps refer to as ${inputs.name}.")
    .meta({ plain: plainObject }),
  output: json
    .optional()
    .describe("What the plan's value is, such as ${steps.id.value}; default the last step's.")
    .meta({ plain: { type: "string" } }),
  concurrency: concurrency.optional().describe("How many steps at once; default 16.").meta({ plain: false }),
  budget: budgetSchema.optional().describe("What its steps may spend together."),
};

/** The kind of a step, which it has just one of. */
export function kindOf(step: Step): StepKind {
  return STEP_KINDS.find((kind) => step[kind] !== undefined) as StepKind;
}

/** A plan as it is stored and worked on. */
export interface Plan {
  steps: Step[];
  inputs: Record<string, unknown>;
  output?: unknown;
  concurrency: number;
  budget?: Budget;
}

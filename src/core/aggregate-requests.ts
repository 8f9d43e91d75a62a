import * as z from "zod";
import { optionProblems } from "./aggregation/options.ts";
import { parsePath } from "./aggregation/path.ts";
import {
  AGGREGATION_STRATEGIES,
  type AggregateOptions,
  type AggregationStrategy,
  asks,
  NORMALIZATIONS,
  ORDERS,
} from "./aggregation/strategy.ts";
import { duration, durationOrZero } from "./duration.ts";
import { nameSchema } from "./instance.ts";
import { anyJson, json, keyText, selector } from "./request-fields.ts";

// What is said of an aggregation: in a fan-out, and by itself.

const strategyName = z.enum(AGGREGATION_STRATEGIES);

const path = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => parsePath(text) !== undefined, {
    error: 'expected a path such as score, items[0].id or ["x.y"]',
  });

const aggregateOptions = {
  path: path.optional().describe("majority, quorum, numeric, top: what is compared or counted, e.g. a.b."),
  key: path.optional().describe("rank-fusion, unique: path of an entry's identity, e.g. id."),
  limit: z.number().int().min(1).max(10_000).optional().describe("How many entries to keep."),
  separator: z.string().max(100).optional().describe("concat: text between answers; default an empty line."),
  normalize: z
    .enum(NORMALIZATIONS)
    .optional()
    .describe("majority, quorum: how text is compared; default trim."),
  quorum: z.number().int().min(1).max(10_000).optional().describe("quorum: how many must agree."),
  order: z.enum(ORDERS).optional().describe("top: default desc, the highest first."),
  instance: selector
    .optional()
    .describe("reduce, judge: who is asked, e.g. C.")
    .meta({ plain: { type: "string" } }),
  instruction: z.string().min(1).max(100_000).optional().describe("reduce, judge: what that one is told."),
};

/** Refuses what a strategy does not take, and asks for what it needs, each by its name. */
function checkOptions(given: { strategy: AggregationStrategy } & AggregateOptions, context: z.RefinementCtx) {
  for (const { option, message } of optionProblems(given))
    context.addIssue({ code: "custom", path: [option], message });
}

export const aggregateSpec = z
  .union(
    [
      z.boolean(),
      strategyName.transform((strategy) => ({ strategy })).superRefine(checkOptions),
      z.strictObject({ strategy: strategyName, ...aggregateOptions }).superRefine(checkOptions),
    ],
    { error: `expected true, or a strategy: ${AGGREGATION_STRATEGIES.join(", ")}` },
  )
  .meta({
    plain: {
      type: "object",
      properties: {
        strategy: { type: "string", enum: [...AGGREGATION_STRATEGIES] },
        ...{ limit: { type: "integer" }, quorum: { type: "integer" } },
      },
      required: ["strategy"],
      additionalProperties: true,
    },
  });

export const minSuccess = z
  .number()
  .int()
  .min(1)
  .optional()
  .describe("Fewer answers are the error quorum_not_met.");

const runId = keyText.min(1).max(128);

export const aggregateInput = z
  .strictObject({
    runId: runId.optional().describe("A stored run, to combine its replies."),
    runIds: z.array(runId).min(1).max(100).optional().describe("Several of them, as one."),
    responses: z
      .array(z.strictObject({ instance: nameSchema, result: json }))
      .min(1)
      .max(10_000)
      .optional()
      .describe('Replies handed in: [{"instance":"A","result":…}].')
      .meta({
        plain: {
          type: "array",
          items: {
            type: "object",
            properties: { instance: { type: "string" }, result: anyJson },
            required: ["instance", "result"],
          },
        },
      }),
    strategy: strategyName.describe("How the answers become one."),
    ...aggregateOptions,
    minSuccess,
    timeout: duration.optional().describe("reduce, judge: its deadline.").meta({ plain: false }),
    wait: durationOrZero.optional().describe("reduce, judge: how long this call stays open."),
    idempotencyKey: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe("reduce, judge: your own key for that work.")
      .meta({ plain: false }),
  })
  .superRefine((input, context) => {
    const given = [input.runId, input.runIds, input.responses].filter((each) => each !== undefined);
    if (given.length !== 1)
      context.addIssue({
        code: "custom",
        path: ["runId"],
        message: "give either runId or responses, or runIds",
      });
    checkOptions(input, context);
    for (const option of ["timeout", "wait", "idempotencyKey"] as const) {
      if (input[option] !== undefined && !asks(input.strategy)) {
        const message = `${input.strategy} takes no ${option}, which is for reduce, judge`;
        context.addIssue({ code: "custom", path: [option], message });
      }
    }
  });
export type AggregateInput = z.output<typeof aggregateInput>;

import { z } from "zod";
import { AGGREGATION_STRATEGIES } from "./aggregation/strategy.ts";
import { nameSchema } from "./instance.ts";
import { anyJson, json } from "./request-fields.ts";

// What is said of an aggregation: in a fan-out, and by itself.

const strategyName = z.enum(AGGREGATION_STRATEGIES);

const aggregateOptions = {
  key: z.string().min(1).optional().describe("rank-fusion: path of a hit's identity, e.g. id; default id."),
  limit: z.number().int().min(1).max(10_000).optional().describe("rank-fusion: how many hits to keep."),
  separator: z.string().max(100).optional().describe("concat: text between answers; default an empty line."),
};

export const aggregateSpec = z
  .union(
    [
      z.boolean(),
      strategyName.transform((strategy) => ({ strategy })),
      z.strictObject({ strategy: strategyName, ...aggregateOptions }),
    ],
    { error: `expected true, or a strategy: ${AGGREGATION_STRATEGIES.join(", ")}` },
  )
  .meta({
    plain: {
      type: "object",
      properties: {
        strategy: { type: "string", enum: [...AGGREGATION_STRATEGIES] },
        key: { type: "string" },
        limit: { type: "integer" },
        separator: { type: "string" },
      },
      required: ["strategy"],
      additionalProperties: false,
    },
  });

export const aggregateInput = z
  .strictObject({
    runId: z
      .string()
      .min(1)
      .optional()
      .describe("A stored run, whose replies are combined; nothing is sent."),
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
            additionalProperties: false,
          },
        },
      }),
    strategy: strategyName.describe("How the answers become one."),
    ...aggregateOptions,
  })
  .refine((input) => (input.runId === undefined) !== (input.responses === undefined), {
    error: "give either runId or responses",
    path: ["runId"],
  });
export type AggregateInput = z.output<typeof aggregateInput>;

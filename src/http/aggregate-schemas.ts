import * as z from "zod";
import { AGGREGATION_STRATEGIES } from "../core/aggregation/strategy.ts";
import {
  counts,
  delivery,
  dryRun,
  error,
  json,
  outcome,
  reply,
  runId,
  survivesExit,
  usage,
  warnings,
} from "./answer-fields.ts";

// What a fan-out is answered with, and what many answers come to.

const strategy = z.enum(AGGREGATION_STRATEGIES);

export const aggregate = z.looseObject({
  strategy,
  value: json,
  sources: z.array(z.string()),
  dissent: z.array(
    z.looseObject({
      path: z.string(),
      values: z.array(z.looseObject({ instance: z.string(), runId: runId.optional(), value: json })),
    }),
  ),
  missing: z.array(
    z.looseObject({
      instance: z.string(),
      runId: runId.optional(),
      reply,
      delivery,
      error: error.optional(),
      why: z.string().optional().describe("Of one that is done: why its answer is not in the value."),
    }),
  ),
  complete: z.boolean().describe("Nobody is missing."),
  extracted: z.array(z.string()).optional().describe("In whose text JSON was found and used."),
  consensus: z.boolean().optional().describe("`majority`, `quorum`: whether enough agree."),
  by: z.looseObject({ instance: z.string().optional(), runId }).optional(),
  verdict: z.looseObject({ choice: z.int(), instance: z.string(), reason: z.string().optional() }).optional(),
  pending: z.literal(true).optional().describe("The run of `by` is still being worked on."),
  runId: runId.optional(),
  runIds: z.array(runId).optional(),
});

const collected = z
  .array(
    z.looseObject({
      instance: z.string(),
      reply,
      result: json.optional(),
      resultChars: z.int().optional(),
      delivery: delivery.optional(),
      error: error.optional(),
    }),
  )
  .describe("With `aggregate: true`: one entry a target, in target order.");

export const fanout = z
  .looseObject({
    runId,
    complete: z.boolean(),
    timedOut: z.boolean(),
    counts,
    outcomes: z.array(outcome),
    aggregate: aggregate.optional(),
    aggregateError: error.optional(),
    usage,
    survivesExit,
    warnings,
  })
  .or(collected)
  .or(dryRun);

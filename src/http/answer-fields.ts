import * as z from "zod";
import { DELIVERIES, REPLIES } from "../core/delivery.ts";
import { ERROR_TABLE, type ErrorCode } from "../core/errors.ts";

// What several answers of the Orchestrator API have in common.

export const json = z.unknown().describe("Any JSON.");
export const delivery = z.enum(DELIVERIES);
export const reply = z.enum(REPLIES);
export const time = z.iso.datetime();
export const runId = z.string();

export const error = z.looseObject({
  code: z.enum(Object.keys(ERROR_TABLE) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  action: z.string(),
  instance: z.string().optional(),
  runId: runId.optional(),
  delivery: delivery.optional(),
  retryable: z.boolean().describe("True only if the identical call cannot cause a second execution."),
  details: z.record(z.string(), z.unknown()).optional(),
});

export const warnings = z.array(z.string()).optional();
export const survivesExit = z.boolean().optional();
export const elapsedMs = z.number().optional();

export const explanation = z.looseObject({
  order: z.array(z.string()).describe("Names in the order in which they are asked."),
  excluded: z.array(z.looseObject({ instance: z.string(), reason: z.string() })),
  pick: z.string().optional(),
  notes: z.array(z.string()).optional(),
});

export const usage = z
  .looseObject({
    inputTokens: z.number().optional(),
    outputTokens: z.number().optional(),
    totalTokens: z.number().optional(),
    costUsd: z.number().optional(),
  })
  .optional()
  .describe("What it cost, as far as the instances said.");

export const capabilities = z.looseObject({
  idempotency: z.boolean().describe("The same key again is the same task, and can be asked about."),
  cancel: z.boolean(),
  async: z.boolean().describe("Work that goes on can be asked about later."),
  sessions: z.boolean(),
  history: z.boolean().describe("A session can be opened with the history of an earlier one."),
  streaming: z.boolean().describe("It shows its answer while it makes it."),
});

export const outcome = z.looseObject({
  instance: z.string(),
  delivery,
  reply,
  result: json.optional(),
  resultChars: z.int().optional().describe("Length of a result that is left out, to be read in pages."),
  error: error.optional(),
  elapsedMs,
  usage,
});

export const counts = z.looseObject({
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  pending: z.int(),
  cancelled: z.int(),
});

export const dryRun = z.looseObject({
  dryRun: z.literal(true),
  operation: z.enum(["delegate", "fanout", "orchestrate"]),
  explanation,
  capabilities: z.record(z.string(), capabilities).optional(),
});

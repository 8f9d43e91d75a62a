import * as z from "zod";
import type { Budget } from "./calls.ts";
import { OrchestratorError } from "./errors.ts";
import { tokensOf, type Usage } from "./usage.ts";

/** What a run or a plan may spend. Calls are requests that carry work; the rest is what instances report. */
export const budgetSchema = z
  .strictObject({
    maxCalls: z.number().int().min(1).optional(),
    maxTokens: z.number().int().min(1).optional(),
    maxCostUsd: z.number().min(0.000_001).optional(),
  })
  .meta({
    plain: {
      type: "object",
      properties: {
        ...{ maxCalls: { type: "integer" }, maxTokens: { type: "integer" }, maxCostUsd: { type: "number" } },
      },
    },
  })
  .refine((budget) => Object.values(budget).some((most) => most !== undefined), {
    error: "give maxCalls, maxTokens or maxCostUsd",
  });

/** Why nothing more may be begun under a budget, `undefined` where it may. */
export function whySpent(
  { maxCalls, maxTokens, maxCostUsd }: Budget,
  { calls, due = 1, usage = {} }: { calls: number; due?: number; usage?: Usage | undefined },
): OrchestratorError | undefined {
  if (maxCalls !== undefined && calls + due > maxCalls)
    return spent(
      "maxCalls",
      `${maxCalls} calls`,
      `${calls} were made, and ${due} more ${due === 1 ? "is" : "are"} due`,
    );
  const tokens = tokensOf(usage);
  if (maxTokens !== undefined && tokens >= maxTokens)
    return spent("maxTokens", `${maxTokens} tokens`, `${tokens} were used`);
  const { costUsd = 0 } = usage;
  if (maxCostUsd !== undefined && costUsd >= maxCostUsd)
    return spent("maxCostUsd", `${maxCostUsd} USD`, `it has cost ${costUsd} USD`);
  return undefined;
}

function spent(field: keyof Budget, most: string, why: string): OrchestratorError {
  return new OrchestratorError("conflict", `The budget of ${most} is spent: ${why}.`, {
    delivery: "not_sent",
    details: { spent: field },
    action: `Raise budget.${field}, and have done what is left.`,
  });
}

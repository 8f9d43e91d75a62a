import * as z from "zod";
import { type McpSettings, MOST_RESULT_TOKENS } from "../core/mcp-settings.ts";
import { validate } from "../core/validate.ts";

/** How many characters of what instances said one answer has room for: a model's context is not flooded. */
export interface Room {
  /** For all of it together. */
  total: number;
  /** For any one instance's. */
  each: number;
}

/** An estimate, which needs no tokenizer and errs by little in most languages. */
const CHARS_PER_TOKEN = 4;

/** The argument of those tools whose answers carry results, as it is advertised. */
export const RESULT_TOKENS = { type: "integer", description: "Most tokens of results." } as const;

/** @throws OrchestratorError `bad_request` for what is no such number. */
export function readResultTokens(sent: unknown): number | undefined {
  const resultTokens = z.int().min(0).max(MOST_RESULT_TOKENS).optional();
  return validate(z.strictObject({ resultTokens }), { resultTokens: sent }).resultTokens;
}

/** @param asked Tokens that this one call has asked for, however many instances share them. */
export function roomFor(
  settings: Pick<McpSettings, "resultTokens" | "instanceTokens">,
  asked?: number | undefined,
): Room {
  const total = (asked ?? settings.resultTokens) * CHARS_PER_TOKEN;
  const each = asked === undefined ? settings.instanceTokens * CHARS_PER_TOKEN : total;
  return { total, each: Math.min(each, total) };
}

/** What is left when so many characters are used. */
export function less({ total, each }: Room, chars: number): Room {
  const left = Math.max(0, total - chars);
  return { total: left, each: Math.min(each, left) };
}

import * as z from "zod";
import type { Json } from "./json.ts";

// Fields that the inputs of several operations have.

const NO_JSON = new Set(["undefined", "function", "symbol", "bigint"]);
// Faces hand in what JSON.parse made: to walk it again, as z.json() does, costs 70 ms a megabyte.
export const json = z.unknown().refine((value) => !NO_JSON.has(typeof value), {
  error: "expected JSON",
}) as z.ZodType<Json>;

/** Text that may be part of a stored key: no NUL, and every surrogate in a pair. */
export const keyText = z.string().refine((text) => text.isWellFormed() && !text.includes("\0"), {
  error: "expected text without NUL and without half surrogate pairs",
});

/** What any JSON is shown as. */
export const anyJson = {
  type: "object",
  properties: { message: { type: "string" } },
  additionalProperties: true,
};

/** An instance's work: any JSON. */
export const payload = json
  .default(null)
  .describe('The task, as JSON; plain text goes as {"message": "…"}.')
  .meta({ plain: anyJson });

/** A `KeptAnswer`. */
export const keptAnswer = z.union([
  z.looseObject({ status: z.literal("completed"), result: z.looseObject({}) }),
  z.looseObject({
    status: z.literal("failed"),
    error: z.looseObject({ code: z.int(), message: z.string() }),
  }),
  z.looseObject({ status: z.literal("cancelled") }),
]);

export const selector = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(1000)], {
    error: 'expected a selector such as "A-H", or an array of names',
  })
  .meta({ plain: { type: "array", items: { type: "string" } } });

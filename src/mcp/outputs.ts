import * as z from "zod";
import { DELIVERIES, REPLIES } from "../core/delivery.ts";

// What the outputs of several tools have in common.

export const runId = z.string();
export const delivery = z.enum(DELIVERIES);
export const reply = z.enum(REPLIES);

/** Besides `failed`, `pending` and `cancelled`; of what is plain from an answer, not all is declared. */
export const counts = z.looseObject({ total: z.int(), done: z.int() });

/** With `result`, or `resultChars` where it is too long for the answer. */
export const outcomes = z.array(z.looseObject({ instance: z.string(), reply }));

/** With `value`, or `valueChars` where it is too long for the answer. */
export const aggregate = z.looseObject({
  strategy: z.string(),
  sources: z.array(z.string()),
  complete: z.boolean(),
});

export const session = {
  sessionId: z.string(),
  instance: z.string(),
  state: z.string(),
};

export const run = { runId, state: z.string(), counts };

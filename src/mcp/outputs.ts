import { z } from "zod";
import { DELIVERIES, REPLIES } from "../core/delivery.ts";

// What the outputs of several tools have in common.

export const runId = z.string();
export const delivery = z.enum(DELIVERIES);
export const reply = z.enum(REPLIES);

export const counts = z.looseObject({
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  pending: z.int(),
  cancelled: z.int(),
});

/** With `result`, or `resultChars` where it is too long for the answer. */
export const outcomes = z.array(z.looseObject({ instance: z.string(), reply, delivery }));

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
  messages: z.int(),
};

export const run = {
  runId,
  operation: z.string(),
  state: z.string(),
  createdAt: z.string(),
  counts,
};

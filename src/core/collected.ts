import type { OutcomeView } from "./answers.ts";
import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";

/** One target of a fan-out that collects: its result, or how far its task is known to have come. */
export type CollectedEntry =
  | { instance: string; reply: "done"; result: Json }
  | { instance: string; reply: Reply; delivery: Delivery; resultChars?: number; error?: ErrorBody };

/**
 * The plain array that `aggregate: true` comes to: one entry a target, in target order. One that is done
 * and whose result could not be kept, or is not told, has no `result`: to call it null would be a lie.
 */
export function collectedEntries(outcomes: readonly OutcomeView[]): CollectedEntry[] {
  return outcomes.map(({ instance, reply, delivery, result, resultChars, error }) =>
    reply === "done" && result !== undefined
      ? { instance, reply, result }
      : {
          ...{ instance, reply, delivery },
          ...(resultChars !== undefined && { resultChars }),
          ...(error && { error }),
        },
  );
}

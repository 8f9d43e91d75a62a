import { namesOf } from "./gather.ts";
import type { Combine } from "./strategy.ts";
import { textIn } from "./text.ts";

/**
 * One text: the answers in target order with `separator` between two of them. Text is taken as it is, all
 * else as JSON text.
 */
export const concat: Combine = (results, { separator = "\n\n" }) => ({
  value: results.map(({ result }) => textIn(result) ?? JSON.stringify(result)).join(separator),
  sources: namesOf(results),
});

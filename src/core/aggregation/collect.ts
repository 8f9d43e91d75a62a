import { namesOf, sourceOf } from "./gather.ts";
import type { Combine } from "./strategy.ts";

/** Every answer as it is, text too, beside its instance's name: `[{"instance","result"}]` in target order. */
export const collect: Combine = (results) => ({
  value: results.map((answer) => ({ ...sourceOf(answer), result: answer.result })),
  sources: namesOf(results),
});

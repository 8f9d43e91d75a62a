import type { DryRunAnswer } from "../core/answers.ts";
import { plain } from "./text.ts";

/** Who would be asked, in which order, and who not and why. */
export function dryRunWords({ operation, explanation }: DryRunAnswer): string {
  const { order, excluded, pick, notes = [] } = explanation;
  const how = operation === "fanout" ? "each" : pick === undefined ? "the first that can" : `by ${pick}`;
  if (operation === "orchestrate")
    return ["The plan is good. Nothing was sent.", ...notes.map(plain)].join("\n");
  return [
    "Nothing was sent.",
    order.length === 0 ? "Nobody would be asked." : `Would be asked, ${how}: ${order.join(", ")}`,
    ...excluded.map(({ instance, reason }) => `Not ${instance}: ${plain(reason)}`),
    ...notes.map(plain),
  ].join("\n");
}

import type { DryRunAnswer } from "../core/answers.ts";
import type { Explanation } from "../core/run.ts";
import type { Response } from "./respond.ts";
import { oneLine } from "./words.ts";

/** Who would be asked, in what order, and why each other one would not. */
export function dryRunResponse(answer: DryRunAnswer): Response {
  const { operation, explanation } = answer;
  const { order } = explanation;
  const [first, ...rest] = order;
  const together = operation === "fanout" ? order.join(", ") : undefined;
  const inTurn = rest.length === 0 ? first : `${first}, then ${rest.join(", ")} if it cannot`;
  const asked = first === undefined ? "Nobody would be asked." : `It would ask ${together ?? inTurn}.`;
  const { pick } = explanation;
  return {
    text: [
      `Nothing was sent or stored. ${asked}`,
      ...leftOut(explanation, "would be"),
      ...(pick === undefined ? [] : [`The order is that of pick ${pick}, as things stand now.`]),
      ...(explanation.notes ?? []).map((note) => oneLine(note)),
    ].join("\n"),
    structured: answer,
  };
}

/** One line for each that is not asked, and why. */
export function leftOut({ excluded }: Explanation, was: "was" | "would be" = "was"): string[] {
  return excluded.map(({ instance, reason }) => `${instance} ${was} left out (${oneLine(reason)}).`);
}

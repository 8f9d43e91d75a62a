import type { AggregateAnswer } from "../core/answers.ts";
import { oneLine, readable } from "./text.ts";

const MOST_PATHS = 20;

/** The combined answer in words: whole, with whom it is of and where they disagree. */
export function aggregateWords({ strategy, sources, value, dissent = [] }: AggregateAnswer): string {
  const paths = dissent.slice(0, MOST_PATHS).map(({ path }) => oneLine(path, 100) || "the whole");
  return [
    `${strategy} of ${sources.join(", ")}:`,
    readable(value),
    ...(paths.length === 0 ? [] : [`They disagree in: ${paths.join(", ")}`]),
  ].join("\n");
}

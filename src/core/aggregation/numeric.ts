import { OrchestratorError } from "../errors.ts";
import { byPlace, namesOf, sourceOf } from "./gather.ts";
import { lookUp } from "./look-up.ts";
import { pathOf } from "./path.ts";
import type { PlacedResult, Source, Strategy, Unused } from "./strategy.ts";
import { numberIn, quoted } from "./text.ts";

/**
 * Figures over the numbers at `path`, or over answers that are numbers:
 * `{"count","sum","mean","median","min","max","spread","deviation"}`, where `spread` is max - min and
 * `deviation` the standard deviation of just these numbers (not of a sample). Text that is a number
 * counts, and with a path the JSON within text is looked into; an answer without a number is missing.
 *
 * Of each answer its number alone is kept.
 */
export const numeric: Strategy = ({ path = "" }) => {
  const steps = pathOf(path);
  const numbers: (Source & { place: number; number: number })[] = [];
  const unused: Unused[] = [];
  const extracted: (Source & { place: number })[] = [];

  function add({ place, result, ...answer }: PlacedResult): void {
    const source = { ...sourceOf(answer), place };
    const at = lookUp(result, steps);
    const number = numberIn(at?.found);
    if (number === undefined) {
      const why = at ? `no number${path && ` at ${path}`}: ${quoted(at.found)}` : `nothing at ${path}`;
      unused.push({ ...source, why });
    } else {
      numbers.push({ ...source, number });
      if (at?.extracted) extracted.push(source);
    }
  }

  return {
    add,
    result() {
      if (numbers.length === 0) throw noNumber(path, unused);
      return {
        value: figures(numbers.map(({ number }) => number)),
        sources: namesOf(numbers.sort(byPlace)),
        ...(unused.length > 0 && { unused: unused.sort(byPlace) }),
        ...(extracted.length > 0 && { extracted: namesOf(extracted.sort(byPlace)) }),
      };
    },
  };
};

function figures(numbers: readonly number[]): Record<string, number> {
  // Sorted, the same numbers give the same sum to the last bit, whoever gave which.
  const sorted = numbers.toSorted((a, b) => a - b);
  const count = sorted.length;
  const sum = sorted.reduce((total, number) => total + number, 0);
  const [min, max] = [sorted[0] as number, sorted[count - 1] as number];
  const half = (count - 1) / 2;
  const median = middle(sorted[Math.floor(half)] as number, sorted[Math.ceil(half)] as number);
  const mean = sum / count;
  const deviation = Math.hypot(...sorted.map((number) => number - mean)) / Math.sqrt(count);
  const all = { count, sum, mean, median, min, max, spread: max - min, deviation };
  if (Object.values(all).every(Number.isFinite)) return all;
  throw new OrchestratorError("aggregate_failed", "The numbers are too large to be added up.");
}

function middle(a: number, b: number): number {
  return a === b ? a : a / 2 + b / 2;
}

function noNumber(path: string, unused: readonly Unused[]): OrchestratorError {
  const [first] = unused;
  return new OrchestratorError(
    "aggregate_failed",
    `numeric found no number${path && ` at ${path}`} in any of ${unused.length} answers; ${first?.instance}: ${first?.why}.`,
    { action: "Name the path of a number that the answers have." },
  );
}

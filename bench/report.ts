import { table } from "../src/cli/table.ts";
import type { Figures } from "./measure.ts";

/** A table for the person, on stderr, and the figures as JSON on stdout. */
export function report(figures: readonly Figures[]): void {
  const rows = figures.map(({ name, raw, ours, ratio, cpuRatio, goal }) => [
    name,
    micros(raw),
    micros(ours),
    ratio.toFixed(2),
    cpuRatio.toFixed(2),
    goal === undefined ? "" : `<= ${goal} ${ratio <= goal ? "met" : "MISSED"}`,
  ]);
  console.error(table([["", "raw", "ours", "ratio", "CPU ratio", "goal (ratio)"], ...rows]));
  console.log(JSON.stringify(figures));
}

function micros(ms: number): string {
  return `${Math.round(ms * 1000)} µs`;
}

import { table } from "../src/cli/table.ts";
import type { Figures } from "./measure.ts";

/** A goal is missed where the ratio is beyond it by more than the machine's noise. */
const MARGIN = 1.15;

/** A table for the person, on stderr, and the figures as JSON on stdout; whether every goal is met. */
export function report(figures: readonly Figures[]): boolean {
  const rows = figures.map(({ name, against, raw, ours, ratio, cpuRatio, goal }) => [
    name,
    against,
    `${micros(raw.p50)} / ${micros(raw.p99)}`,
    `${micros(ours.p50)} / ${micros(ours.p99)}`,
    ratio.toFixed(2),
    cpuRatio.toFixed(2),
    goal === undefined ? "" : `<= ${goal} ${verdict(ratio, goal)}`,
  ]);
  const head = [
    "",
    "against",
    "its p50 / p99, µs",
    "ours p50 / p99, µs",
    "ratio",
    "CPU ratio",
    "goal (ratio)",
  ];
  console.error(table([head, ...rows]));
  console.log(JSON.stringify(figures));
  return figures.every(({ ratio, goal }) => goal === undefined || ratio <= goal * MARGIN);
}

function verdict(ratio: number, goal: number): string {
  if (ratio <= goal) return "met";
  return ratio <= goal * MARGIN ? "within the noise" : "MISSED";
}

function micros(ms: number): string {
  return String(Math.round(ms * 1000));
}

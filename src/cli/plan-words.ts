import type { OrchestrateAnswer, StepView } from "../core/plan-answers.ts";
import { table } from "./table.ts";
import { errorLine, excerpt, plain, readable, span } from "./text.ts";

const ROOM = 70;

/** A plan with a line a step, and what it came to. */
export function planWords({ reply, steps, counts, value, error }: OrchestrateAnswer): string {
  const rows = steps.map((step) => [step.step, step.state, span(step.elapsedMs), items(step), said(step)]);
  const { total, done, failed, skipped } = counts;
  return [
    table([["STEP", "STATE", "TIME", "ITEMS", "VALUE"], ...rows]),
    `${reply}: ${done} of ${total} steps done, ${failed} failed, ${skipped} skipped`,
    ...(error ? [errorLine(error)] : []),
    ...(value === undefined ? [] : ["", readable(value)]),
  ].join("\n");
}

/** The steps of a plan's run, without what it came to. */
export function stepTable(steps: readonly StepView[]): string {
  return table([
    ["STEP", "STATE", "TIME", "ITEMS", "VALUE"],
    ...steps.map((step) => [step.step, step.state, span(step.elapsedMs), items(step), said(step)]),
  ]);
}

function items({ items: counted }: StepView): string {
  return counted ? `${counted.ended}/${counted.total}` : "";
}

function said({ value, valueChars, error, fellBackTo }: StepView): string {
  if (error)
    return `${fellBackTo === undefined ? "" : `by ${fellBackTo}: `}${plain(error.message).slice(0, ROOM)}`;
  if (valueChars !== undefined) return `${valueChars} characters`;
  return value === undefined ? "" : excerpt(value, ROOM);
}

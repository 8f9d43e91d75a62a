import type { Counts } from "../core/answers.ts";
import type { OrchestrateAnswer, StepView } from "../core/plan-answers.ts";
import { table } from "./table.ts";
import { errorLine, excerpt, plain, readable, span } from "./text.ts";

const ROOM = 70;

/** How far a plan is: one that was just worked on, or its run. */
type Planned = Pick<OrchestrateAnswer, "steps" | "value" | "error"> & {
  reply?: OrchestrateAnswer["reply"] | undefined;
  counts: Counts & { skipped?: number };
};

/** A plan with a line a step, and what it came to. */
export function planWords({ reply = "pending", steps, counts, value, error }: Planned): string {
  const rows = steps.map((step) => [step.step, step.state, span(step.elapsedMs), items(step), said(step)]);
  const { total, done, failed, skipped = 0 } = counts;
  return [
    table([["STEP", "STATE", "TIME", "ITEMS", "VALUE"], ...rows]),
    `${reply}: ${done} of ${total} steps done, ${failed} failed, ${skipped} skipped`,
    ...(error ? [errorLine(error)] : []),
    ...(value === undefined ? [] : ["", readable(value)]),
  ].join("\n");
}

function items({ items: counted }: StepView): string {
  if (!counted) return "";
  const { total, ended, failed } = counted;
  return `${ended}/${total}${failed > 0 ? `, ${failed} failed` : ""}`;
}

function said({ value, valueChars, error, fellBackTo }: StepView): string {
  if (error)
    return `${fellBackTo === undefined ? "" : `by ${fellBackTo}: `}${plain(error.message).slice(0, ROOM)}`;
  if (valueChars !== undefined) return `${valueChars} characters`;
  return value === undefined ? "" : excerpt(value, ROOM);
}

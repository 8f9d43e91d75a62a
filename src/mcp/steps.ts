import type { Json } from "../core/json.ts";
import type { StepCounts, StepView } from "../core/plan-answers.ts";
import { type Excerpt, excerpts, MOST_CHARS, shownChars } from "./excerpt.ts";
import { withTrimmedError } from "./respond.ts";
import { callOf, errorLine, oneLine, plural, quoteExcerpt, span } from "./words.ts";

/** The steps of a plan as one answer has room for them. */
export interface ShownSteps {
  /** One for each step, without its value. */
  lines: string[];
  /** What the plan came to, in words. */
  value: string | undefined;
  /** For programs: a value that was cut is replaced by its length. */
  views: object[];
  fields: object;
}

/** `5 of 7 steps done`, and what of the rest. */
export function stepSummary({ total, done, failed, cancelled, pending, skipped }: StepCounts): string {
  const rest = [
    failed > 0 && `${failed} failed`,
    cancelled > 0 && `${cancelled} cancelled`,
    skipped > 0 && `${skipped} skipped`,
    pending > 0 && `${pending} to come or under way`,
  ].filter((part) => part !== false);
  return [`${done} of ${plural(total, "step")} done`, ...rest].join(", ");
}

export function showSteps(runId: string, steps: readonly StepView[], value?: Json): ShownSteps {
  const whole = value === undefined ? [] : excerpts([value]);
  // What is left of the budget is for the values of the steps.
  const valued = steps.filter((step) => step.value !== undefined);
  const shown = excerpts(
    valued.map((step) => step.value ?? null),
    MOST_CHARS - shownChars(whole),
  );
  const excerptOf = new Map(valued.map((step, index) => [step, shown[index] as Excerpt]));
  const readOn = (offset: number) => (isOf(steps.at(-1), value) ? readStep(runId, steps, offset) : IN_PARTS);
  return {
    lines: [
      ...stepLines(steps),
      ...(steps.some(hasValue) ? [`What a step came to: ${readStep(runId, steps.filter(hasValue))}`] : []),
    ],
    value: whole[0] && quoteExcerpt(whole[0], readOn).trimStart(),
    views: steps.map((step) => view(step, excerptOf.get(step))),
    fields: whole[0] ? (whole[0].whole ? { value } : { valueChars: whole[0].chars }) : {},
  };
}

const MOST_LINES = 50;
const IN_PARTS = "read the steps that it is made of";

/** How to read the value of the last of these. */
function readStep(runId: string, steps: readonly StepView[], offset = 0): string {
  const step = steps.at(-1)?.step ?? "";
  return `${offset === 0 ? "read" : "read on"} with ${callOf("runs_get", { runId, step, ...(offset > 0 && { offset }) })}`;
}

function hasValue({ value, valueChars }: StepView): boolean {
  return valueChars !== undefined || (value !== undefined && value !== null);
}

/** Whether what a plan came to is a step's value; an output of its own may be made of several. */
function isOf(step: StepView | undefined, value: Json | undefined): boolean {
  if (!step || value === undefined) return false;
  return (step.valueChars ?? JSON.stringify(step.value)?.length) === JSON.stringify(value).length;
}

/** A line a step; of very many only those that one must know of. */
function stepLines(steps: readonly StepView[]): string[] {
  if (steps.length <= MOST_LINES) return steps.map(stepLine);
  const told = steps.filter(({ state, error }) => state === "failed" || state === "running" || error);
  const shown = told.slice(0, MOST_LINES);
  return [...shown.map(stepLine), `and ${plural(steps.length - shown.length, "more step")}`];
}

function stepLine({ step, state, elapsedMs, items, runIds, error, fellBackTo }: StepView): string {
  const facts = [
    elapsedMs !== undefined && span(elapsedMs),
    items &&
      `${items.ended} of ${plural(items.total, "item")}${items.failed > 0 ? `, ${items.failed} failed` : ""}`,
    runIds.length === 1 && `run ${runIds[0]}`,
    fellBackTo !== undefined && `by ${fellBackTo}`,
  ].filter((fact) => typeof fact === "string");
  const why = error ? `: ${errorLine(error)}${state === "failed" ? ` → ${oneLine(error.action)}` : ""}` : "";
  return `${step} ${state}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}${why}`;
}

function view(step: StepView, excerpt: Excerpt | undefined): object {
  const { value, ...rest } = withTrimmedError(step);
  if (!excerpt) return rest;
  return excerpt.whole ? { ...rest, value } : { ...rest, valueChars: excerpt.chars };
}

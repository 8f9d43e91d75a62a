import type { Json } from "../core/json.ts";
import type { StepCounts, StepView } from "../core/plan-answers.ts";
import { type Excerpt, excerpts, shownChars } from "./excerpt.ts";
import { withTrimmedError } from "./respond.ts";
import { less, type Room } from "./room.ts";
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

export function showSteps(runId: string, steps: readonly StepView[], room: Room, value?: Json): ShownSteps {
  const whole = value === undefined ? [] : excerpts([value], { ...room, each: room.total });
  // What is left of the budget is for the values of the steps.
  const valued = steps.filter((step) => step.value !== undefined);
  const shown = excerpts(
    valued.map((step) => step.value ?? null),
    less(room, shownChars(whole)),
  );
  const lastOf = steps.findLast(hasValue)?.step;
  const excerptOf = new Map(valued.map((step, index) => [step, shown[index] as Excerpt]));
  const readOn = (offset: number) => read({ runId, value: true }, offset);
  return {
    lines: [
      ...stepLines(steps),
      ...(lastOf === undefined ? [] : [`What a step came to: ${read({ runId, step: lastOf })}`]),
    ],
    value: whole[0] && quoteExcerpt(whole[0], readOn).trimStart(),
    views: steps.map((step) => view(step, excerptOf.get(step))),
    fields: whole[0] ? (whole[0].whole ? { value } : { valueChars: whole[0].chars, note: readOn(0) }) : {},
  };
}

const MOST_LINES = 50;

/** How to read a value whole, or on from where it was cut. */
function read(args: Record<string, unknown>, offset = 0): string {
  return `${offset === 0 ? "read" : "read on"} with ${callOf("runs_get", { ...args, ...(offset > 0 && { offset }) })}`;
}

function hasValue({ value, valueChars }: StepView): boolean {
  return valueChars !== undefined || (value !== undefined && value !== null);
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

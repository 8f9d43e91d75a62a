import type { Counts } from "../core/answers.ts";
import type { StepCounts } from "../core/plan-answers.ts";
import type { RunDetail } from "../core/run-answers.ts";
import type { Beginnings } from "./beginnings.ts";
import { leftOut } from "./dry-run.ts";
import { awaitRest, showOutcomes, summary } from "./outcomes.ts";
import { type Response, trimmedError, warningLines, withTrimmedError } from "./respond.ts";
import type { Room } from "./room.ts";
import { showSteps, stepSummary } from "./steps.ts";
import { AS_DATA, errorLine } from "./words.ts";

/** A stored run as `runs_get` and `runs_cancel` answer it. */
export function runResponse(detail: RunDetail, room: Room, beginnings?: Beginnings): Response {
  const { runId, operation, state, counts, explanation, warnings = [] } = detail;
  const shown = showOutcomes(runId, detail.outcomes, room, beginnings);
  const { value, ...rest } = detail;
  const steps = detail.steps && showSteps(runId, detail.steps, room, value);
  const heading = `Run ${runId} (${operation}) ${state === "open" ? "is open" : "has ended"}: ${summaryOf(counts)}.`;
  return {
    text: [
      state === "open" && warnings.length === 0 ? `${heading} ${awaitRest(runId)}` : heading,
      ...warningLines(detail),
      ...(detail.error ? [`${errorLine(detail.error)} → ${detail.error.action}`] : []),
      ...(steps?.lines ?? []),
      ...(steps?.value === undefined ? [] : [`What it came to, ${AS_DATA}`, steps.value]),
      ...leftOut(explanation),
      ...shown.troubles,
      ...(shown.quoted.length > 0 ? [`What they answered, ${AS_DATA}`] : []),
      ...shown.quoted,
    ].join("\n"),
    structured: {
      ...rest,
      ...(steps && { steps: steps.views, ...steps.fields }),
      ...(detail.error && { error: trimmedError(detail.error) }),
      outcomes: shown.views,
      attempts: detail.attempts.map(withTrimmedError),
    },
    cut: shown.cut,
  };
}

function summaryOf(counts: Counts | StepCounts): string {
  return "skipped" in counts ? stepSummary(counts) : summary(counts);
}

import type { Counts } from "../core/answers.ts";
import type { StepCounts } from "../core/plan-answers.ts";
import type { RunDetail } from "../core/run-answers.ts";
import { leftOut } from "./dry-run.ts";
import { awaitRest, showOutcomes, summary } from "./outcomes.ts";
import { type Response, warningLines, withTrimmedError } from "./respond.ts";
import { showSteps, stepSummary } from "./steps.ts";
import { AS_DATA } from "./words.ts";

/** A stored run as `runs_get` and `runs_cancel` answer it. */
export function runResponse(detail: RunDetail): Response {
  const { runId, operation, state, counts, explanation, warnings = [] } = detail;
  const shown = showOutcomes(runId, detail.outcomes);
  const steps = detail.steps && showSteps(runId, detail.steps);
  const heading = `Run ${runId} (${operation}) ${state === "open" ? "is open" : "has ended"}: ${summaryOf(counts)}.`;
  return {
    text: [
      state === "open" && warnings.length === 0 ? `${heading} ${awaitRest(runId)}` : heading,
      ...warningLines(detail),
      ...(steps?.lines ?? []),
      ...leftOut(explanation),
      ...shown.troubles,
      ...(shown.quoted.length > 0 ? [`What they answered, ${AS_DATA}`] : []),
      ...shown.quoted,
    ].join("\n"),
    structured: {
      ...detail,
      ...(steps && { steps: steps.views }),
      outcomes: shown.views,
      attempts: detail.attempts.map(withTrimmedError),
    },
  };
}

function summaryOf(counts: Counts | StepCounts): string {
  return "skipped" in counts ? stepSummary(counts) : summary(counts);
}

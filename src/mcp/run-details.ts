import type { RunDetail } from "../core/answers.ts";
import { leftOut } from "./dry-run.ts";
import { awaitRest, showOutcomes, summary } from "./outcomes.ts";
import { type Response, warningLines, withTrimmedError } from "./respond.ts";
import { AS_DATA } from "./words.ts";

/** A stored run as `runs_get` and `runs_cancel` answer it. */
export function runResponse(detail: RunDetail): Response {
  const { runId, operation, state, counts, explanation, warnings = [] } = detail;
  const shown = showOutcomes(runId, detail.outcomes);
  const heading = `Run ${runId} (${operation}) ${state === "open" ? "is open" : "has ended"}: ${summary(counts)}.`;
  return {
    text: [
      state === "open" && warnings.length === 0 ? `${heading} ${awaitRest(runId)}` : heading,
      ...warningLines(detail),
      ...leftOut(explanation),
      ...shown.troubles,
      ...(shown.quoted.length > 0 ? [`What they answered, ${AS_DATA}`] : []),
      ...shown.quoted,
    ].join("\n"),
    structured: { ...detail, outcomes: shown.views, attempts: detail.attempts.map(withTrimmedError) },
  };
}

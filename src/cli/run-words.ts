import type { RunDetail } from "../core/run-answers.ts";
import { outcomeTable } from "./outcome-table.ts";
import { planWords } from "./plan-words.ts";
import { countsLine, plain } from "./text.ts";

/** A run with a line an instance. */
export function runWords(run: RunDetail): string {
  const {
    runId,
    operation,
    state,
    createdAt,
    endedAt,
    outcomes,
    counts,
    explanation,
    steps,
    warnings = [],
  } = run;
  const ended = endedAt === undefined ? state : `ended ${endedAt}`;
  return [
    `Run ${runId}: ${operation}, created ${createdAt}, ${ended}`,
    ...(steps
      ? [planWords({ ...run, steps })]
      : [outcomes.length === 0 ? "Nobody has been asked." : outcomeTable(outcomes), countsLine(counts)]),
    ...(outcomes.some(({ resultChars }) => resultChars !== undefined)
      ? ["A long result is read in pages: runs show, with --instance and its name."]
      : []),
    ...explanation.excluded.map(({ instance, reason }) => `Not asked: ${instance}: ${plain(reason)}`),
    ...warnings.map((warning) => `Warning: ${plain(warning)}`),
  ].join("\n");
}

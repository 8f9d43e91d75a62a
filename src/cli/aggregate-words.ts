import type { AggregateAnswer } from "../core/answers.ts";
import { countOf, oneLine, readable } from "./text.ts";

const MOST_PATHS = 20;

/** The combined answer in words: whole, with whom it is of, who is not in it, and where they disagree. */
export function aggregateWords(answer: AggregateAnswer): string {
  const { value, dissent, extracted = [] } = answer;
  const paths = dissent.slice(0, MOST_PATHS).map(({ path }) => oneLine(path, 100) || "the whole");
  const hasValue = answer.consensus !== false && !answer.pending;
  return [
    `${partly(answer)}${heading(answer)}`,
    ...(hasValue ? [readable(value)] : []),
    ...(paths.length === 0 ? [] : [`They disagree in: ${paths.join(", ")}`]),
    ...(extracted.length === 0 ? [] : [`Found in the text of: ${extracted.join(", ")}`]),
    ...verdictLines(answer),
  ].join("\n");
}

function partly({ missing }: AggregateAnswer): string {
  if (missing.length === 0) return "";
  const whom = missing.map(({ instance, reply, why }) => `${instance} (${oneLine(why ?? reply, 100)})`);
  return `Partial, without ${whom.join(", ")}: `;
}

function heading({ strategy, sources, consensus, pending, by, dissent }: AggregateAnswer): string {
  if (pending)
    return `${strategy}: ${by?.instance ?? "nobody yet"} is still at it; wait for it with \`orchestrator runs wait ${by?.runId}\``;
  if (consensus === false)
    return `${strategy}: no_consensus among ${countOf(dissent[0]?.values.length ?? 0, "answer")}`;
  const maker = by?.instance === undefined ? "" : `, by ${by.instance}`;
  return `${strategy} of ${sources.join(", ")}${maker}:`;
}

function verdictLines({ verdict }: AggregateAnswer): string[] {
  if (!verdict) return [];
  const { instance, reason } = verdict;
  return [`The judge picked ${instance}${reason === undefined ? "." : `: ${oneLine(reason, 400)}`}`];
}

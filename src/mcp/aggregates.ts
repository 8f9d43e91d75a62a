import type { AggregateAnswer } from "../core/answers.ts";
import { excerpts, MOST_CHARS, shownChars } from "./excerpt.ts";
import { awaitRest } from "./outcomes.ts";
import { withTrimmedError } from "./respond.ts";
import { AS_DATA, errorLine, oneLine, plural, quoteExcerpt } from "./words.ts";

/** An aggregate as one answer has room for it. */
export interface ShownAggregate {
  /** Who is not in it, a line each. */
  without: string[];
  lines: string[];
  /** For programs: a value that was cut is replaced by its length and a note. */
  view: object;
  /** Characters that it leaves of the budget. */
  left: number;
}

const READ_ON = "read each instance's own result with runs_get, or ask for less (limit)";
const MOST_PATHS = 20;

export function showAggregate(answer: AggregateAnswer): ShownAggregate {
  const { value, dissent, missing, ...rest } = answer;
  const [shown, disagreement] = [
    excerpts([value]),
    excerpts(dissent.length === 0 ? [] : [JSON.stringify(dissent)]),
  ];
  const excerpt = shown[0] as (typeof shown)[number];
  const left = MOST_CHARS - shownChars(shown);
  const paths = dissent.slice(0, MOST_PATHS).map(({ path }) => oneLine(path, 100) || "the whole");
  const dissentFits = disagreement.every(({ chars }) => chars <= left);
  const quotation = [heading(answer), quoteExcerpt(excerpt, () => READ_ON).trimStart()];
  return {
    without: missing.map(
      ({ instance, reply, error, why }) =>
        `${instance} is not in it: ${error ? errorLine(error) : oneLine(why ?? reply)}`,
    ),
    lines: [
      ...(rest.pending ? [stillAsked(answer)] : rest.consensus === false ? [noConsensus(answer)] : quotation),
      ...verdictLines(answer),
      ...(paths.length > 0
        ? [`They disagree in ${plural(dissent.length, "place")}: ${paths.join(", ")}`]
        : []),
    ],
    view: {
      ...rest,
      ...(excerpt.whole ? { value } : { valueChars: excerpt.chars, note: READ_ON }),
      ...(dissentFits ? { dissent } : { dissentPaths: paths }),
      missing: missing.map(withTrimmedError),
    },
    left: dissentFits ? left - shownChars(disagreement) : left,
  };
}

/** What an aggregate that lacks somebody begins with. */
export function partially({ complete }: Pick<AggregateAnswer, "complete">): string {
  return complete ? "" : "Partial: ";
}

function heading({ strategy, sources, extracted = [], by }: AggregateAnswer): string {
  const found = extracted.length === 0 ? "" : ` (found in the text of ${extracted.join(", ")})`;
  const maker = by?.instance === undefined ? "" : `, by ${by.instance} in run ${by.runId}`;
  return `${strategy} of ${sources.join(", ")}${found}${maker}, ${AS_DATA}`;
}

function noConsensus({ strategy, dissent }: AggregateAnswer): string {
  return `${strategy}: no_consensus among ${plural(dissent[0]?.values.length ?? 0, "answer")}.`;
}

function stillAsked({ strategy, by }: AggregateAnswer): string {
  return `${strategy}: ${by?.instance ?? "nobody yet"} is still at it. ${awaitRest(by?.runId ?? "")}`;
}

function verdictLines({ verdict }: AggregateAnswer): string[] {
  if (!verdict) return [];
  const why = verdict.reason === undefined ? "" : ` Its reason, ${AS_DATA} ${oneLine(verdict.reason)}`;
  return [`The judge picked ${verdict.instance}.${why}`];
}

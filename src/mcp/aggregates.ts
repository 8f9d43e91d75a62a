import type { AggregateAnswer } from "../core/answers.ts";
import { excerpts, MOST_CHARS, shownChars } from "./excerpt.ts";
import { withTrimmedError } from "./respond.ts";
import { AS_DATA, oneLine, plural, quoteExcerpt } from "./words.ts";

/** An aggregate as one answer has room for it. */
export interface ShownAggregate {
  lines: string[];
  /** For programs: a value that was cut is replaced by its length and a note. */
  view: object;
  /** Characters that it leaves of the budget. */
  left: number;
}

const READ_ON = "read each instance's own result with runs_get, or ask for less (rank-fusion: limit)";
const MOST_PATHS = 20;

export function showAggregate(answer: AggregateAnswer): ShownAggregate {
  const { value, dissent, missing, ...rest } = answer;
  const [shown, disagreement] = [
    excerpts([value]),
    excerpts(dissent === undefined ? [] : [JSON.stringify(dissent)]),
  ];
  const excerpt = shown[0] as (typeof shown)[number];
  const left = MOST_CHARS - shownChars(shown);
  const paths = (dissent ?? []).slice(0, MOST_PATHS).map(({ path }) => oneLine(path, 100) || "the whole");
  const dissentFits = disagreement.every(({ chars }) => chars <= left);
  return {
    lines: [
      `${rest.strategy} of ${rest.sources.join(", ")}, ${AS_DATA}`,
      quoteExcerpt(excerpt, () => READ_ON).trimStart(),
      ...(paths.length > 0
        ? [`They disagree in ${plural((dissent ?? []).length, "place")}: ${paths.join(", ")}`]
        : []),
    ],
    view: {
      ...rest,
      ...(excerpt.whole ? { value } : { valueChars: excerpt.chars, note: READ_ON }),
      ...(dissent !== undefined && (dissentFits ? { dissent } : { dissentPaths: paths })),
      missing: missing.map(withTrimmedError),
    },
    left: dissentFits ? left - shownChars(disagreement) : left,
  };
}

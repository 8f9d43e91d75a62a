import type { AggregateAnswer } from "../core/answers.ts";
import { type Excerpt, excerpts } from "./excerpt.ts";
import { awaitRest } from "./outcomes.ts";
import { type CutResult, withTrimmedError } from "./respond.ts";
import { less, type Room } from "./room.ts";
import { AS_DATA, errorLine, oneLine, plural, quoteExcerpt, readResult } from "./words.ts";

/** An aggregate as one answer has room for it. */
export interface ShownAggregate {
  /** Who is not in it, a line each. */
  without: string[];
  lines: string[];
  /** For programs: a value that was cut is replaced by its length and a note. */
  view: object;
  /** What it leaves of the room. */
  left: Room;
  cut: CutResult[];
}

const MOST_PATHS = 20;

export function showAggregate(answer: AggregateAnswer, room: Room): ShownAggregate {
  const { value, dissent, missing, verdict, ...rest } = answer;
  const all = { total: room.total, each: room.total };
  const [excerpt] = excerpts([value], all) as [Excerpt];
  const left = less(room, excerpt.text.length);
  const paths = dissent.slice(0, MOST_PATHS).map(({ path }) => oneLine(path, 100) || "the whole");
  const disagreement = dissent.length === 0 ? 0 : JSON.stringify(dissent).length;
  const dissentFits = disagreement <= left.total;
  const quotation = [heading(answer), quoteExcerpt(excerpt, (offset) => readOn(answer, offset)).trimStart()];
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
      ...(verdict && { verdict: { ...verdict, ...(verdict.reason && { reason: oneLine(verdict.reason) }) } }),
      ...(excerpt.whole ? { value } : { valueChars: excerpt.chars, note: readOn(answer, 0) }),
      ...(dissentFits ? { dissent } : { dissentPaths: paths }),
      missing: missing.map(({ why, ...each }) => ({
        ...withTrimmedError(each),
        ...(why !== undefined && { why: oneLine(why) }),
      })),
    },
    left: dissentFits ? less(left, disagreement) : left,
    cut: excerpt.whole ? [] : ownResult(answer, excerpt.chars),
  };
}

/** What one instance has made of all answers is its result in a run of its own. */
function ownResult({ strategy, by }: AggregateAnswer, chars: number): CutResult[] {
  if (strategy !== "reduce" || by?.instance === undefined) return [];
  return [{ runId: by.runId, instance: by.instance, chars }];
}

/** An aggregate is not stored; to ask the instances again would be the wrong way to read it. */
function readOn(answer: AggregateAnswer, offset: number): string {
  const [own] = ownResult(answer, 0);
  if (own) return readResult(own.runId, own.instance, offset);
  return "combine the run again with aggregate, for more of it (resultTokens) or for less (limit), or read each instance's own result with runs_get";
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

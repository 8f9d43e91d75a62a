import { OrchestratorError } from "../errors.ts";
import type { Json } from "../json.ts";
import { byPlace, namesOf, sourceOf } from "./gather.ts";
import { listIn, lookUp } from "./look-up.ts";
import { pathOf } from "./path.ts";
import type { PlacedResult, Source, Strategy, Unused } from "./strategy.ts";
import { numberIn } from "./text.ts";

interface Scored extends Source {
  score: number;
  entry: Json;
  place: number;
  /** Where it stands in its answer. */
  index: number;
}

/**
 * The entries with the best scores: `[{"score","entry","instance"}]`, the highest first, or with `order`
 * `asc` the lowest, and of equal scores the first in target order; the best `limit` of them. The score is
 * the number, or the text that is one, at `path` of an entry. Entries are those of the list in an answer
 * (an array, or that in `hits`, `results` or `items`), else the answer itself; of text, those of the JSON
 * within it. An entry without a score is left out, an answer without any is missing.
 *
 * Of all answers only the entries that may be shown are kept.
 */
export const top: Strategy = ({ path = "", limit = Number.POSITIVE_INFINITY, order = "desc" }) => {
  const steps = pathOf(path);
  let best: Scored[] = [];
  const used: (Source & { place: number })[] = [];
  const unused: Unused[] = [];
  const extracted: (Source & { place: number })[] = [];
  const sign = order === "asc" ? 1 : -1;
  const compare = (a: Scored, b: Scored) => sign * (a.score - b.score) || byPlace(a, b) || a.index - b.index;

  function scored(answer: PlacedResult): { entries: [number, Json][]; extracted: boolean } {
    const list = listIn(answer.result);
    const entries = (list?.found ?? []).map((entry): [number | undefined, Json] => [
      numberIn(lookUp(entry, steps)?.found),
      entry,
    ]);
    const inList = entries.filter((each): each is [number, Json] => each[0] !== undefined);
    if (inList.length > 0) return { entries: inList, extracted: list?.extracted ?? false };
    const at = lookUp(answer.result, steps);
    const score = numberIn(at?.found);
    if (score === undefined) return { entries: [], extracted: false };
    return { entries: [[score, answer.result]], extracted: at?.extracted ?? false };
  }

  function add(answer: PlacedResult): void {
    const { place } = answer;
    const source = sourceOf(answer);
    const found = scored(answer);
    if (found.entries.length === 0) {
      unused.push({ ...source, place, why: `no number at ${path}` });
      return;
    }
    used.push({ ...source, place });
    if (found.extracted) extracted.push({ ...source, place });
    found.entries.forEach(([score, entry], index) => {
      best.push({ ...source, place, index, score, entry });
    });
    if (best.length > 2 * limit) best = best.sort(compare).slice(0, limit);
  }

  return {
    add,
    result() {
      if (used.length === 0) throw noScore(path, unused.length);
      best = best.sort(compare).slice(0, limit);
      return {
        value: best.map((each) => ({ score: each.score, entry: each.entry, ...sourceOf(each) })),
        sources: namesOf(used.sort(byPlace)),
        ...(unused.length > 0 && { unused: unused.sort(byPlace) }),
        ...(extracted.length > 0 && { extracted: namesOf(extracted.sort(byPlace)) }),
      };
    },
  };
};

function noScore(path: string, answers: number): OrchestratorError {
  return new OrchestratorError(
    "aggregate_failed",
    `top found no entry with a number at ${path} in any of ${answers} answers.`,
    { action: "Name the path of a score that the entries have." },
  );
}

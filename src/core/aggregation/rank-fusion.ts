import type { Json } from "../json.ts";
import { namesOf, sourceOf } from "./gather.ts";
import { identity } from "./identity.ts";
import { listIn } from "./look-up.ts";
import { noList } from "./no-list.ts";
import { type Path, pathOf } from "./path.ts";
import type { Combine, Source } from "./strategy.ts";

/** The constant of Cormack, Clarke and Büttcher (SIGIR 2009): how little the very top ranks dominate. */
const K = 60;

interface Fused {
  id: string;
  score: number;
  hit: Json;
  bestRank: number;
  /** Ranks count from 1. */
  sources: (Source & { rank: number })[];
}

/**
 * Reciprocal rank fusion of ranked lists into one: `[{"id","score","hit","sources":[{"instance","rank"}]}]`,
 * where `score` is the sum of 1 / (60 + rank), best first; ties go by best rank, then by id.
 *
 * A list is an array, or the array in an answer's `hits`, `results` or `items`; of text, that of the JSON
 * within it, or its lines that are marked as a list's. An answer without one is missing. Hits are the same if the text at `key` is (`id` unless told otherwise), or,
 * without one, the whole hit; what is no string counts as its canonical JSON. A hit that one list
 * repeats counts once, at its best rank; the hit shown is the best ranked one.
 *
 * @throws OrchestratorError `aggregate_failed` where no answer has a list.
 */
export const rankFusion: Combine = (results, { key = "id", limit }) => {
  const found = results.map((answer) => ({ answer, list: listIn(answer.result) }));
  const lists = found.flatMap(({ answer, list }) =>
    list ? [{ ...sourceOf(answer), hits: list.found, extracted: list.extracted }] : [],
  );
  if (lists.length === 0) throw noList("rank-fusion", results);
  const fused = fuse(lists, pathOf(key));
  const unused = found.filter(({ list }) => !list).map(({ answer }) => answer);
  const extracted = lists.filter((list) => list.extracted);
  return {
    value: fused.slice(0, limit).map(({ id, score, hit, sources }) => ({
      ...{ id, score, hit },
      sources: sources.map((source) => ({ ...source })),
    })),
    sources: namesOf(lists),
    ...(unused.length > 0 && {
      unused: unused.map((answer) => ({ ...sourceOf(answer), place: answer.place, why: "no list" })),
    }),
    ...(extracted.length > 0 && { extracted: namesOf(extracted) }),
  };
};

function fuse(lists: readonly (Source & { hits: readonly Json[] })[], path: Path): Fused[] {
  const byId = new Map<string, Fused>();
  for (const { hits, ...list } of lists) {
    const source = sourceOf(list);
    const seen = new Set<string>();
    hits.forEach((hit, index) => {
      const id = identity(hit, path);
      if (seen.has(id)) return;
      seen.add(id);
      const rank = index + 1;
      const entry = byId.get(id) ?? { id, score: 0, hit, bestRank: rank, sources: [] };
      entry.sources.push({ ...source, rank });
      if (rank < entry.bestRank) Object.assign(entry, { bestRank: rank, hit });
      byId.set(id, entry);
    });
  }
  const fused = [...byId.values()];
  for (const entry of fused) entry.score = score(entry.sources.map(({ rank }) => rank));
  return fused.sort((a, b) => b.score - a.score || a.bestRank - b.bestRank || (a.id < b.id ? -1 : 1));
}

/** Summed in a fixed order, or the same ranks from other instances would differ in the last bit. */
function score(ranks: readonly number[]): number {
  return ranks.toSorted((a, b) => b - a).reduce((sum, rank) => sum + 1 / (K + rank), 0);
}

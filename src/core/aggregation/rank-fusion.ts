import { OrchestratorError } from "../errors.ts";
import { canonicalJson, isObject, type Json } from "../json.ts";
import type { Aggregate, InstanceResult } from "./strategy.ts";

/** The constant of Cormack, Clarke and Büttcher (SIGIR 2009): how little the very top ranks dominate. */
const K = 60;
const LIST_FIELDS = ["hits", "results", "items"];

interface Fused {
  id: string;
  score: number;
  hit: Json;
  bestRank: number;
  /** Ranks count from 1. */
  sources: { instance: string; rank: number }[];
}

/**
 * Reciprocal rank fusion of ranked lists into one: `[{"id","score","hit","sources":[{"instance","rank"}]}]`,
 * where `score` is the sum of 1 / (60 + rank), best first; ties go by best rank, then by id.
 *
 * A list is an array, or the array in an answer's `hits`, `results` or `items`; an answer without one
 * is not in `sources`. Hits are the same if the text at `key` is (`id` unless told otherwise), or,
 * without one, the whole hit; what is no string counts as its canonical JSON. A hit that one list
 * repeats counts once, at its best rank; the hit shown is the best ranked one.
 *
 * @throws OrchestratorError `aggregate_failed` where no answer has a list.
 */
export const rankFusion: Aggregate = (results, { key = "id", limit }) => {
  const lists = results.flatMap(({ instance, result }) => {
    const hits = hitsOf(result);
    return hits ? [{ instance, hits }] : [];
  });
  if (lists.length === 0) throw noList(results);
  const fused = fuse(lists, key.split("."));
  return {
    value: fused.slice(0, limit).map(({ id, score, hit, sources }) => ({ id, score, hit, sources })),
    sources: lists.map(({ instance }) => instance),
  };
};

function fuse(
  lists: readonly { instance: string; hits: readonly Json[] }[],
  path: readonly string[],
): Fused[] {
  const byId = new Map<string, Fused>();
  for (const { instance, hits } of lists) {
    const seen = new Set<string>();
    hits.forEach((hit, index) => {
      const id = identity(hit, path);
      if (seen.has(id)) return;
      seen.add(id);
      const rank = index + 1;
      const entry = byId.get(id) ?? { id, score: 0, hit, bestRank: rank, sources: [] };
      entry.sources.push({ instance, rank });
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

function hitsOf(result: Json): Json[] | undefined {
  if (Array.isArray(result)) return result;
  if (!isObject(result)) return undefined;
  return LIST_FIELDS.map((field) => own(result, field)).find((list) => Array.isArray(list));
}

function identity(hit: Json, path: readonly string[]): string {
  const named = path.reduce<Json | undefined>(own, hit) ?? hit;
  return typeof named === "string" ? named : canonicalJson(named);
}

function own(value: Json | undefined, field: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

function noList(results: readonly InstanceResult[]): OrchestratorError {
  return new OrchestratorError(
    "aggregate_failed",
    `rank-fusion found no list of hits in any of ${results.length} answers: ` +
      `a list is an array, or an object with an array in ${LIST_FIELDS.join(", ")}.`,
  );
}

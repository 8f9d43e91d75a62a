import { canonicalJson, type Json } from "../json.ts";
import { namesOf, sourceOf } from "./gather.ts";
import { identity } from "./identity.ts";
import { listIn } from "./look-up.ts";
import { noList } from "./no-list.ts";
import { pathOf } from "./path.ts";
import type { Combine, Dissent, PlacedResult, Source } from "./strategy.ts";

interface Entry {
  id: string;
  entry: Json;
  said: (Source & { value: Json })[];
}

/**
 * The entries of all lists, each once: `[{"id","entry","sources"}]`, in the order in which they first
 * appear in target order, with the names of those who have it. A list is an array, or the array in
 * `hits`, `results` or `items`; of text, that of the JSON within it, or its lines that are marked as a
 * list's. Entries are the same if the text at `key` is, or without a `key` (or with nothing there) if all
 * of them is. Where those of one key differ, the first is shown and `dissent` has all, under its id. An
 * answer without a list is missing.
 *
 * @throws OrchestratorError `aggregate_failed` where no answer has a list.
 */
export const unique: Combine = (results, { key, limit }) => {
  const path = key === undefined ? undefined : pathOf(key);
  const found = results.map((answer) => ({ answer, list: listIn(answer.result) }));
  const lists = found.filter(({ list }) => list !== undefined);
  if (lists.length === 0) throw noList("unique", results);
  const byId = new Map<string, Entry>();
  for (const { answer, list } of lists) addList(byId, answer, list?.found ?? [], path);
  const kept = [...byId.values()].slice(0, limit);
  const dissent = kept.filter(({ said }) => said.some(({ value }) => !isSame(value, said[0]?.value)));
  const unused = found.filter(({ list }) => !list).map(({ answer }) => answer);
  const extracted = lists.filter(({ list }) => list?.extracted).map(({ answer }) => answer);
  return {
    value: kept.map(({ id, entry, said }) => ({ id, entry, sources: namesOf(said) })),
    sources: namesOf(lists.map(({ answer }) => answer)),
    ...(dissent.length > 0 && {
      dissent: dissent.map(({ id, said }): Dissent => ({ path: id, values: said })),
    }),
    ...(unused.length > 0 && {
      unused: unused.map((answer) => ({ ...sourceOf(answer), place: answer.place, why: "no list" })),
    }),
    ...(extracted.length > 0 && { extracted: namesOf(extracted) }),
  };
};

/** An answer that repeats an entry says it once, as it says it first. */
function addList(
  byId: Map<string, Entry>,
  answer: PlacedResult,
  list: readonly Json[],
  path: readonly string[] | undefined,
): void {
  const seen = new Set<string>();
  for (const entry of list) {
    const id = identity(entry, path);
    if (seen.has(id)) continue;
    seen.add(id);
    const known = byId.get(id);
    const says = { ...sourceOf(answer), value: entry };
    if (known) known.said.push(says);
    else byId.set(id, { id, entry, said: [says] });
  }
}

function isSame(value: Json, first: Json = null): boolean {
  return canonicalJson(value) === canonicalJson(first);
}

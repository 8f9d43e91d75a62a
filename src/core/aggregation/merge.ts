import { canonicalJson, isObject, type Json, type JsonObject } from "../json.ts";
import { namesOf, sourceOf } from "./gather.ts";
import { jsonWithin } from "./look-up.ts";
import { within } from "./path.ts";
import type { Combine, Dissent, Source } from "./strategy.ts";

interface Said extends Source {
  value: Json;
}

/** Keys that could reach a prototype where the value is copied on by careless code. */
const DROPPED = new Set(["__proto__", "constructor", "prototype"]);

/**
 * One value out of all answers. Objects are merged key by key. Arrays that differ are concatenated,
 * equal entries once. Elsewhere the first answer wins: what is not equal to it, or is of another
 * kind, is left out and listed as dissent. Answers that are no objects follow the same rule at the
 * empty path, and `sources` names those that agree with the first in kind, or as scalars in value. Text is
 * a scalar, unless JSON is found within it: then that is merged in its place.
 */
export const merge: Combine = (results) => {
  const read = results.map((answer) => ({ answer, json: jsonWithin(answer.result) }));
  const said = read.map(({ answer, json }) => ({
    ...sourceOf(answer),
    value: withoutDropped(json ?? answer.result),
  }));
  const extracted = read.filter(({ json }) => json !== undefined).map(({ answer }) => answer);
  const dissent: Dissent[] = [];
  const value = mergeAt("", said, dissent);
  return {
    value,
    sources: namesOf(agreeing(said)),
    ...(dissent.length > 0 && { dissent }),
    ...(extracted.length > 0 && { extracted: namesOf(extracted) }),
  };
};

function mergeAt(path: string, said: readonly Said[], dissent: Dissent[]): Json {
  const agreed = agreeing(said);
  if (agreed.length < said.length) dissent.push({ path, values: [...said] });
  const values = agreed.map(({ value }) => value);
  if (values.every(isObject)) return mergeObjects(path, agreed as (Said & { value: JsonObject })[], dissent);
  if (values.every((value) => Array.isArray(value))) return union(values);
  return values[0] as Json;
}

/** Those that the first can be combined with: of its kind, and equal to it if that is a scalar. */
function agreeing(said: readonly Said[]): Said[] {
  const first = said[0]?.value as Json;
  return said.filter(({ value }) => {
    if (isObject(first)) return isObject(value);
    return Array.isArray(first) ? Array.isArray(value) : value === first;
  });
}

function mergeObjects(
  path: string,
  said: readonly (Said & { value: JsonObject })[],
  dissent: Dissent[],
): JsonObject {
  const byKey = new Map<string, Said[]>();
  for (const { value, ...source } of said) {
    for (const [key, inner] of Object.entries(value)) {
      const here = byKey.get(key);
      if (here) here.push({ ...source, value: inner });
      else byKey.set(key, [{ ...source, value: inner }]);
    }
  }
  const merged: JsonObject = {};
  for (const [key, here] of byKey) merged[key] = mergeAt(within(path, key), here, dissent);
  return merged;
}

/** Arrays that are all equal stay as they are, repeated entries included: there is nothing to combine. */
function union(arrays: readonly Json[][]): Json[] {
  const [first = []] = arrays;
  const text = canonicalJson(first);
  if (arrays.every((array) => canonicalJson(array) === text)) return first;
  const entries = new Map<string, Json>();
  for (const entry of arrays.flat()) {
    const identity = canonicalJson(entry);
    if (!entries.has(identity)) entries.set(identity, entry);
  }
  return [...entries.values()];
}

function withoutDropped(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutDropped);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key]) => !DROPPED.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutDropped(inner)]));
}

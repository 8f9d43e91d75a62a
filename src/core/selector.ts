import { type ErrorFacts, OrchestratorError } from "./errors.ts";
import { NAME } from "./instance.ts";
import { nearest } from "./nearest.ts";
import { shortened } from "./quote.ts";
import { parseRange } from "./range.ts";

const START_A_FLEET =
  "Start a fleet with `orchestrator up`, write one with `orchestrator init`, or set ORCHESTRATOR_INSTANCES.";

/** Text that picks instances, or several of them: `A`, `A,C`, `A-H`, `node1-node12`, `tag:search`, `*`. */
export type Selector = string | readonly string[];

/** What a selector needs to know of an instance. */
export interface Selectable {
  name: string;
  tags: readonly string[];
}

export interface Selection<T> {
  /** The picked instances: in the order of the selector, each once. */
  picked: T[];
  /** Explicit names that nobody has, as they were written. */
  unknown: string[];
}

/** Each is looked for among all instances, and a range among all of their names. */
const MOST_TERMS = 1_000;

/**
 * Picks from the known instances.
 *
 * An exact known name wins over every other reading. `X-Y` is a range only if both ends are one
 * letter of the same case, or one prefix plus a number; it picks the known names within it, numbers by
 * their value however many zeros lead them.
 *
 * @throws OrchestratorError `bad_request` for an empty selector or a reversed range;
 * `unknown_instance` for a range, tag or `*` that picks nobody.
 */
export function select<T extends Selectable>(selector: Selector, known: readonly T[]): Selection<T> {
  const terms = termsOf(selector);
  if (terms.length === 0) {
    throw new OrchestratorError("bad_request", "The selector is empty: it names no instance.", {
      action: "Name instances: A, A,C, A-H, tag:search, or * for all of them.",
    });
  }
  if (terms.length > MOST_TERMS) {
    throw new OrchestratorError(
      "bad_request",
      `The selector has ${terms.length} terms, more than ${MOST_TERMS}.`,
      {
        action: "Name a range, a tag or * for many instances.",
      },
    );
  }
  const find = finder(known, terms.length);
  const picked = new Set<T>();
  const unknown = new Set<string>();
  for (const term of terms) {
    const exact = find(term);
    if (exact) picked.add(exact);
    else if (isGroup(term)) for (const instance of pickGroup(term, known)) picked.add(instance);
    else if (NAME.test(term)) unknown.add(term);
    else
      throw new OrchestratorError(
        "bad_request",
        `"${shortened(term)}" is neither a name, a range, tag:… nor *.`,
      );
  }
  return { picked: [...picked], unknown: [...unknown] };
}

/** Finds by name: a few names are looked for one by one, many through a map. */
function finder<T extends Selectable>(known: readonly T[], names: number): (name: string) => T | undefined {
  if (names <= 2) return (name) => known.find((instance) => instance.name === name);
  const byName = new Map(known.map((instance) => [instance.name, instance]));
  return (name) => byName.get(name);
}

function termsOf(selector: Selector): string[] {
  return textsOf(selector).flatMap((text) =>
    SEVERAL.test(text) ? text.split(SEVERAL).filter(Boolean) : text || [],
  );
}

const SEVERAL = /[,\s]+/;

function textsOf(selector: Selector): readonly string[] {
  return typeof selector === "string" ? [selector] : selector;
}

/** Whether a selector goes by tags. */
export function namesTags(selector: Selector): boolean {
  return textsOf(selector).some((text) => text.includes("tag:"));
}

/** As {@link select}, but an unknown name is an error that lists the known ones and the nearest. */
export function selectKnown<T extends Selectable>(selector: Selector, known: readonly T[]): T[] {
  const { picked, unknown } = select(selector, known);
  const [first] = unknown;
  if (first !== undefined) throw unknownInstance(first, known);
  return picked;
}

function unknownInstance(name: string, known: readonly Selectable[]): OrchestratorError {
  const near = nearest(
    name,
    known.map((instance) => instance.name),
  );
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return nobody(`No instance is named ${name}.${hint}`, known, {
    instance: name,
    ...(near !== undefined && { details: { nearest: near } }),
  });
}

function nobody(what: string, known: readonly Selectable[], facts: ErrorFacts = {}): OrchestratorError {
  const names = known.map((instance) => instance.name);
  return new OrchestratorError("unknown_instance", `${what} ${listKnown(names)}`, {
    ...facts,
    delivery: "not_sent",
    details: { known: names.slice(0, 100), ...facts.details },
    ...(names.length === 0 && { action: START_A_FLEET }),
  });
}

function listKnown(names: readonly string[]): string {
  if (names.length === 0) return "The fleet is empty.";
  const shown = names.slice(0, 20).join(", ");
  return `Known: ${shown}${names.length > 20 ? ` and ${names.length - 20} more` : ""}.`;
}

function isGroup(term: string): boolean {
  return term === "*" || term.startsWith("tag:") || parseRange(term) !== undefined;
}

function pickGroup<T extends Selectable>(term: string, known: readonly T[]): T[] {
  const picked = matchGroup(term, known);
  if (picked.length === 0) throw nobody(`"${term}" picks no instance.`, known);
  return picked;
}

function matchGroup<T extends Selectable>(term: string, known: readonly T[]): T[] {
  if (term === "*") return [...known];
  if (term.startsWith("tag:")) {
    const tag = term.slice("tag:".length);
    if (!NAME.test(tag)) throw new OrchestratorError("bad_request", `"${shortened(term)}" names no tag.`);
    return known.filter((instance) => instance.tags.includes(tag));
  }
  const range = parseRange(term);
  if (!range) return [];
  return known
    .flatMap((instance) => {
      const at = range.position(instance.name);
      return at !== undefined && at >= range.from && at <= range.to ? [{ instance, at }] : [];
    })
    .sort((a, b) => Number(a.at - b.at))
    .map((entry) => entry.instance);
}

/** As many as one command may bring to life. */
const MOST_NEW_NAMES = 100;

/**
 * The names that a selector spells out by itself, with nobody known: `A,C` and `A-H`, not `*` or tags.
 *
 * @throws OrchestratorError `bad_request` for what names nobody, and for more than 100 names.
 */
export function spellOut(selector: Selector): string[] {
  const names = termsOf(selector).flatMap(spellTerm);
  if (names.length > 0) return [...new Set(names)];
  throw new OrchestratorError("bad_request", "The selector is empty: it names no instance.");
}

function spellTerm(term: string): string[] {
  const range = parseRange(term);
  if (!range && NAME.test(term)) return [term];
  if (!range)
    throw new OrchestratorError("bad_request", `"${term}" is neither a name nor a range such as A-H.`);
  const count = range.to - range.from + 1n;
  if (count > MOST_NEW_NAMES) {
    throw new OrchestratorError(
      "bad_request",
      `"${term}" names ${count} instances, more than ${MOST_NEW_NAMES}.`,
    );
  }
  return Array.from({ length: Number(count) }, (_, index) => range.nameAt(range.from + BigInt(index)));
}

/** Whether `*` is in it. */
export function asksForAll(selector: Selector): boolean {
  return textsOf(selector).some((part) => part.split(",").some((name) => name.trim() === "*"));
}

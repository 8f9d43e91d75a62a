import { type ErrorFacts, OrchestratorError } from "./errors.ts";
import { NAME } from "./instance.ts";
import { nearest } from "./nearest.ts";

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
  const terms = [selector].flat().flatMap((text) => text.split(/[,\s]+/).filter(Boolean));
  if (terms.length === 0) {
    throw new OrchestratorError("bad_request", "The selector is empty: it names no instance.", {
      action: "Name instances: A, A,C, A-H, tag:search, or * for all of them.",
    });
  }
  const byName = new Map(known.map((instance) => [instance.name, instance]));
  const picked = new Set<T>();
  const unknown = new Set<string>();
  for (const term of terms) {
    const exact = byName.get(term);
    if (exact) picked.add(exact);
    else if (isGroup(term)) for (const instance of pickGroup(term, known)) picked.add(instance);
    else if (NAME.test(term)) unknown.add(term);
    else throw new OrchestratorError("bad_request", `"${term}" is neither a name, a range, tag:… nor *.`);
  }
  return { picked: [...picked], unknown: [...unknown] };
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
    if (!NAME.test(tag)) throw new OrchestratorError("bad_request", `"${term}" names no tag.`);
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

interface Range {
  from: bigint;
  to: bigint;
  /** Its ends the other way round, as a selector. */
  reversed: string;
  /** Where a name stands in this series, `undefined` when it is not of it. */
  position(name: string): bigint | undefined;
}

/** Two of the longest names with a hyphen between them. */
const LONGEST_RANGE = 64 + 1 + 64;
const LETTERS = /^([A-Za-z])-([A-Za-z])$/;
const NUMBERED = /^(.*?)(\d+)-\1(\d+)$/;

function parseRange(term: string): Range | undefined {
  if (term.length > LONGEST_RANGE) return undefined;
  const range = letterRange(term) ?? numberRange(term);
  if (range && range.from > range.to) {
    throw new OrchestratorError("bad_request", `The range "${term}" is reversed.`, {
      action: `Write it as ${range.reversed}.`,
    });
  }
  return range;
}

function letterRange(term: string): Range | undefined {
  const [, first, last] = LETTERS.exec(term) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const upper = (letter: string) => letter === letter.toUpperCase();
  if (upper(first) !== upper(last)) return undefined;
  const code = (letter: string) => BigInt(letter.charCodeAt(0));
  return {
    from: code(first),
    to: code(last),
    reversed: `${last}-${first}`,
    position: (name) => (name.length === 1 ? code(name) : undefined),
  };
}

function numberRange(term: string): Range | undefined {
  const [, prefix = "", first, last] = NUMBERED.exec(term) ?? [];
  if (first === undefined || last === undefined || !NAME.test(`${prefix}${first}`)) return undefined;
  return {
    from: BigInt(first),
    to: BigInt(last),
    reversed: `${prefix}${last}-${prefix}${first}`,
    position: (name) => {
      const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
      return /^\d+$/.test(digits) ? BigInt(digits) : undefined;
    },
  };
}

import { type JSONPathQuery, jsonpath } from "json-p3";
import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";

// `${steps.find.value.items[0].id}` in a plan: a path as RFC 9535 (JSONPath) writes it, without its `$.`.
// It is data: nothing is evaluated but the path. `$${` stands for `${` itself.

/** What paths begin with. */
const ROOTS = ["steps", "inputs", "item", "index"] as const;
type Root = (typeof ROOTS)[number];

/** What a path begins with, and the step or input that it names, where it names one. */
export interface Named {
  root: Root;
  name?: string;
}

export interface Reference extends Named {
  /** As it is written, without `${` and `}`. */
  path: string;
  /** What its filters refer to from the root: `[?@.score > $.inputs.least]`. */
  others: Named[];
  query: JSONPathQuery;
}

/** What references are looked up in. */
export type Scope = Partial<Record<Root, Json>>;

/** The parts of a text: what stands there, and the references between. */
export function parseText(text: string): (string | Reference)[] {
  const parts: (string | Reference)[] = [];
  let plain = "";
  let at = 0;
  for (let next = text.indexOf("${"); next >= 0; next = text.indexOf("${", at)) {
    const isEscaped = next > at && text[next - 1] === "$";
    plain += text.slice(at, isEscaped ? next - 1 : next);
    if (isEscaped) {
      plain += "${";
      at = next + 2;
      continue;
    }
    const end = endOfReference(text, next + 2);
    if (plain !== "") parts.push(plain);
    plain = "";
    parts.push(parsePath(text.slice(next + 2, end)));
    at = end + 1;
  }
  plain += text.slice(at);
  if (plain !== "") parts.push(plain);
  return parts;
}

/** Where the brace stands that closes it; those within quotes do not. */
function endOfReference(text: string, start: number): number {
  let quote = "";
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string;
    if (quote !== "") {
      if (character === "\\") at++;
      else if (character === quote) quote = "";
    } else if (character === "'" || character === '"') quote = character;
    else if (character === "}") return at;
  }
  throw problem(`"${text.slice(start - 2, start + 60)}" has no closing brace`);
}

function parsePath(written: string): Reference {
  const path = written.trim();
  const named = namedIn(path);
  // Quoted text holds no paths.
  const filters = path
    .replace(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/g, "''")
    .split("$")
    .slice(1);
  const others = filters.map((filter) => namedIn(filter.replace(/^\s*\./, "")));
  if (!named || others.includes(undefined)) {
    throw problem(`"\${${path}}" begins with none of ${ROOTS.join(", ")}`);
  }
  try {
    return { path, ...named, others: others as Named[], query: jsonpath.compile(`$.${path}`) };
  } catch (error) {
    throw problem(`"\${${path}}" is no path: ${whyNot(error as Error)}`);
  }
}

function namedIn(path: string): Named | undefined {
  const [, root, dotted, quoted] = /^(\w+)(?:\.(\w+)|\[['"](\w+)['"]\])?/.exec(path) ?? [];
  if (!ROOTS.includes(root as Root)) return undefined;
  const name = dotted ?? quoted;
  return { root: root as Root, ...(name !== undefined && { name }) };
}

/** In words about the path as it is written: the parser counts from a `$.` before it. */
function whyNot({ name, message }: Error): string {
  if (name === "JSONPathLexerError" && message.startsWith("can't backup")) return "it ends in a dot";
  return message.replace(/ \('.*':\d+\)$/s, "");
}

function problem(message: string): OrchestratorError {
  return new OrchestratorError("bad_request", `${message}.`, { delivery: "not_sent" });
}

/** Every reference in a value, with where it stands: `payload.query`. */
export function referencesIn(value: unknown, at = ""): { at: string; text: string }[] {
  if (typeof value === "string") return value.includes("${") ? [{ at, text: value }] : [];
  if (Array.isArray(value)) return value.flatMap((inner, index) => referencesIn(inner, `${at}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    referencesIn(inner, at === "" ? key : `${at}.${key}`),
  );
}

/**
 * The value with every reference replaced. A text that is one reference becomes what it refers to, of
 * whatever type; within other text what is no text stands as JSON.
 *
 * @throws OrchestratorError `bad_request` that names the path, where nothing is there.
 */
export function resolve(value: Json, scope: Scope): Json {
  if (typeof value === "string") return resolveText(value, scope);
  if (Array.isArray(value)) return value.map((inner) => resolve(inner, scope));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, scope)]));
}

function resolveText(text: string, scope: Scope): Json {
  if (!text.includes("${")) return text;
  const parts = parseText(text);
  const [only] = parts;
  if (parts.length === 1 && typeof only === "object") return lookUp(only, scope);
  return parts
    .map((part) => {
      const value = typeof part === "string" ? part : lookUp(part, scope);
      return typeof value === "string" ? value : JSON.stringify(value);
    })
    .join("");
}

/** What is there; a path that can be in several places, such as one with `[*]`, gives a list of what is. */
function lookUp({ path, query }: Reference, scope: Scope): Json {
  const found = valuesAt(query, path, scope);
  if (!query.singularQuery()) return found;
  if (found.length > 0) return found[0] as Json;
  throw problem(`"\${${path}}" refers to nothing`);
}

function valuesAt(query: JSONPathQuery, path: string, scope: Scope): Json[] {
  try {
    // Its eager sister fails on lists of 100,000.
    return Array.from(query.lazyQuery(scope as Json), ({ value }) => value as Json);
  } catch (error) {
    throw problem(`"\${${path}}" cannot be looked up: ${whyNot(error as Error)}`);
  }
}

/** The reference that a text is as a whole. */
export function wholeReference(text: string): Reference | undefined {
  const [only, ...more] = parseText(text);
  return typeof only === "object" && more.length === 0 ? only : undefined;
}

/** Whether a path leads to something. */
export function leadsSomewhere(text: string, scope: Scope): boolean {
  const only = wholeReference(text);
  return only !== undefined && valuesAt(only.query, only.path, scope).length > 0;
}

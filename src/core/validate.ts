import type * as z from "zod";
import { OrchestratorError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { shortened } from "./quote.ts";

type Issue = z.core.$ZodIssue;
/** Zod's own description of a schema, as far as its field names need it. */
type Definition = z.core.$ZodTypeDef & Record<string, unknown>;

/**
 * Parses a value, or says which field is wrong: `payload.query: expected string, received number`. A
 * field that the schema does not have is named with the nearest one that it has.
 *
 * @param what Where the value stands, and the beginning of each field's path; `""` for none.
 * @throws OrchestratorError `bad_request`, with the first field under `details.field`.
 */
export function validate<S extends z.ZodType>(schema: S, value: unknown, what = ""): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsIn(schema, parsed.error.issues, what);
  const lines = problems.slice(0, 5).map(({ at, problem }) => (at === "" ? problem : `${at}: ${problem}`));
  throw new OrchestratorError("bad_request", lines.join("; "), {
    delivery: "not_sent",
    details: { field: problems[0]?.at ?? what },
  });
}

/** What is wrong, and where: `payload.query`. */
export interface Problem {
  at: string;
  problem: string;
}

/** Nobody mends more at a time, and whoever sends half a million strange fields is told of these. */
const MOST_PROBLEMS = 20;

/** What a schema found wrong with a value, each with its place; the first 20. */
export function problemsIn(schema: z.ZodType, issues: readonly Issue[], what = ""): Problem[] {
  const telling = issues.slice(0, MOST_PROBLEMS).map(mostTelling);
  const problems = telling.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys")
      return [{ at: pathOf(issue.path, what), problem: messageOf(issue) }];
    const known = fieldNames(definitionAt(schema, issue.path));
    return issue.keys.slice(0, MOST_PROBLEMS).map((key) => ({
      at: pathOf([...issue.path, key], what),
      problem: noSuchField(key, known),
    }));
  });
  return problems.slice(0, MOST_PROBLEMS);
}

/** Where no branch of a union fits, what stopped the one that came furthest; of a key, what is wrong with it. */
function mostTelling(issue: Issue): Issue {
  if (issue.code === "invalid_key") return { ...(issue.issues[0] ?? issue), path: issue.path };
  if (issue.code !== "invalid_union" || issue.message !== "Invalid input") return issue;
  const inner = issue.errors
    .flatMap((branch) => branch.slice(0, 1).map(mostTelling))
    .sort((a, b) => b.path.length - a.path.length)[0];
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

function messageOf(issue: Issue): string {
  if (issue.code === "too_small" && issue.minimum === 1 && issue.origin !== "number") {
    return issue.origin === "string"
      ? "expected text, and it is empty"
      : "expected at least one, and it is empty";
  }
  return issue.message
    .replace(/^(Invalid \w+|Too small|Too big): /, "")
    .replace(/^expected record/, "expected object")
    .replace(/, received undefined$/, "");
}

function noSuchField(key: string, known: string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `no such field; did you mean ${near}?`;
  return known.length === 0 ? "no such field" : `no such field; known: ${known.join(", ")}`;
}

function pathOf(path: readonly PropertyKey[], what: string): string {
  let text = what;
  for (const part of path) {
    text += typeof part === "number" ? `[${part}]` : `${text === "" ? "" : "."}${shortened(String(part))}`;
  }
  return text;
}

function definition(schema: unknown): Definition {
  return (schema as z.ZodType).def as unknown as Definition;
}

/** The object, array, record or union beneath what only wraps it. */
function unwrapped(schema: unknown): Definition {
  const def = definition(schema);
  if (def.innerType !== undefined) return unwrapped(def.innerType);
  if (def.type !== "pipe") return def;
  return unwrapped(definition(def.in).type === "transform" ? def.out : def.in);
}

function definitionAt(schema: unknown, path: readonly PropertyKey[]): Definition {
  const def = unwrapped(schema);
  const [part, ...rest] = path;
  if (part === undefined) return def;
  const inner =
    def.element ?? def.valueType ?? (def.shape as Record<PropertyKey, unknown> | undefined)?.[part];
  return inner === undefined ? { type: "unknown" } : definitionAt(inner, rest);
}

function fieldNames(def: Definition): string[] {
  if (def.shape !== undefined) return Object.keys(def.shape as object);
  const options = (def.options as unknown[] | undefined) ?? [];
  return [...new Set(options.flatMap((option) => fieldNames(unwrapped(option))))];
}

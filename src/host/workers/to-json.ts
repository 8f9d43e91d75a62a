import type { Json } from "../../core/json.ts";

/**
 * What a handler returned, as plain JSON of its own; `undefined` is `null`.
 * @throws TypeError that says which part is none: functions, symbols, BigInts, NaN, infinities and cycles.
 */
export function toJson(value: unknown): Json {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    const problem = problemOf(inner);
    if (problem) throw new TypeError(key ? `"${key}" is ${problem}` : `it is ${problem}`);
    return inner;
  });
  return text === undefined ? null : (JSON.parse(text) as Json);
}

function problemOf(value: unknown): string | undefined {
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "bigint") return "a BigInt";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return undefined;
}

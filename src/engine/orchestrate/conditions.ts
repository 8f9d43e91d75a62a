import { isDeepStrictEqual } from "node:util";
import { isObject, type Json } from "../../core/json.ts";
import type { Condition } from "../../core/plan.ts";
import { leadsSomewhere, resolve, type Scope } from "./references.ts";

/** Whether a step's `when` is so. */
export function holds(condition: Condition, scope: Scope): boolean {
  if (typeof condition !== "object") return isTrue(resolve(condition, scope));
  const { value, exists } = condition;
  if (exists !== undefined) return (typeof value === "string" && leadsSomewhere(value, scope)) === exists;
  const left = resolve(value, scope);
  const other = (given: Json | undefined) => resolve(given ?? null, scope);
  if ("equals" in condition) return isDeepStrictEqual(left, other(condition.equals));
  if ("notEquals" in condition) return !isDeepStrictEqual(left, other(condition.notEquals));
  if (condition.greaterThan !== undefined) return Number(left) > Number(other(condition.greaterThan));
  return Number(left) < Number(other(condition.lessThan));
}

/** Null, false, 0, and what is empty are not (the rule of JMESPath, and 0). */
function isTrue(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

import type { Json } from "./json.ts";

/** Whether a value has lists and objects within one another, more of them than that. */
export function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const member of value) if (isDeeper(member, levels - 1)) return true;
    return false;
  }
  for (const key in value) if (isDeeper(value[key] as Json, levels - 1)) return true;
  return false;
}

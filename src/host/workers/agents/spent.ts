import type { Usage } from "../../../core/usage.ts";

/** What was used since, of figures that count a whole conversation. One that began to count anew is taken as it is. */
export function usedSince(total: Usage, before: Usage): Usage {
  const fields = Object.keys(total) as (keyof Usage)[];
  const since = fields.map((field) => [field, difference(total[field] ?? 0, before[field] ?? 0)]);
  return Object.fromEntries(since) as Usage;
}

function difference(total: number, before: number): number {
  // Costs are fractions: what their subtraction adds behind the comma is no cost.
  return total >= before ? Number((total - before).toFixed(12)) : total;
}

import type { Aggregate } from "./strategy.ts";

/** Every answer beside its instance's name: `[{"instance","result"}]` in target order. */
export const collect: Aggregate = (results) => ({
  value: results.map(({ instance, result }) => ({ instance, result })),
  sources: results.map(({ instance }) => instance),
});

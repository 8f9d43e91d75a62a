import type { Aggregate } from "./strategy.ts";

/** The answer of the first instance, in target order, that gave one. */
export const first: Aggregate = (results) => {
  const answered = results.slice(0, 1);
  return {
    value: answered[0]?.result ?? null,
    sources: answered.map(({ instance }) => instance),
  };
};

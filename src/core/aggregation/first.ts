import type { PlacedResult, Strategy } from "./strategy.ts";

/** The answer of the first instance, in target order, that gave one, as it is. No other is kept. */
export const first: Strategy = () => {
  let earliest: PlacedResult | undefined;
  return {
    add(answer) {
      if (earliest === undefined || answer.place < earliest.place) earliest = answer;
    },
    result: () => ({
      value: earliest?.result ?? null,
      sources: earliest === undefined ? [] : [earliest.instance],
    }),
  };
};

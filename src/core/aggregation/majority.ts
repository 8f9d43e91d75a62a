import { Ballot } from "./ballot.ts";
import type { Strategy } from "./strategy.ts";

/**
 * What more than half of the answers say. Where no such half is of one mind the value is null,
 * `consensus` is false, and `dissent` says who said what. Which answers agree: {@link Ballot}.
 */
export const majority: Strategy = (options) => {
  const ballot = new Ballot(options);
  return {
    add: (answer) => ballot.cast(answer),
    result: () => ballot.result("majority", (votes) => Math.floor(votes / 2) + 1),
  };
};

import { Ballot } from "./ballot.ts";
import type { Strategy } from "./strategy.ts";

/**
 * What `quorum` answers agree on, or more; it is settled as soon as so many do. Where they do not, the
 * value is null, `consensus` is false, and `dissent` says who said what. Which answers agree:
 * {@link Ballot}.
 */
export const quorum: Strategy = (options) => {
  const needed = options.quorum ?? 1;
  const ballot = new Ballot(options);
  return {
    add: (answer) => ballot.cast(answer),
    get settled() {
      return ballot.most >= needed;
    },
    result: () => ballot.result("quorum", () => needed),
  };
};

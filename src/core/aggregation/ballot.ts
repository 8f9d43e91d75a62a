import { OrchestratorError } from "../errors.ts";
import { canonicalJson, type Json } from "../json.ts";
import { byPlace, namesOf, sourceOf } from "./gather.ts";
import { lookUp } from "./look-up.ts";
import { normalized } from "./normalize.ts";
import { pathOf } from "./path.ts";
import type { Aggregated, AggregateOptions, PlacedResult, Source, Unused } from "./strategy.ts";

interface Vote extends Source {
  place: number;
  value: Json;
}

/**
 * Counts which answers agree: those whose canonical JSON is the same, of the whole answer or at `path`,
 * with their text read as `normalize` says. Text is compared as text; with a path, the JSON within it
 * is looked into. An answer with nothing at the path has no vote.
 */
export class Ballot {
  readonly #options: AggregateOptions;
  readonly #camps = new Map<string, Vote[]>();
  readonly #unused: Unused[] = [];
  readonly #extracted: PlacedResult[] = [];

  constructor(options: AggregateOptions) {
    this.#options = options;
  }

  cast({ place, result, ...answer }: PlacedResult): void {
    const { path = "", normalize = "trim" } = this.#options;
    const source = sourceOf(answer);
    const at = lookUp(result, pathOf(path));
    if (!at) {
      this.#unused.push({ ...source, place, why: `nothing at ${path}` });
      return;
    }
    if (at.extracted) this.#extracted.push({ ...source, place, result: null });
    const vote = { ...source, place, value: at.found };
    const identity = canonicalJson(normalized(at.found, normalize));
    const camp = this.#camps.get(identity);
    if (camp) camp.push(vote);
    else this.#camps.set(identity, [vote]);
  }

  /** How many are of one mind, at most. */
  get most(): number {
    return Math.max(0, ...Array.from(this.#camps.values(), ({ length }) => length));
  }

  /**
   * The value of the largest camp, as its first member in target order gave it, if that has as many votes
   * as are `needed` of all; of two camps as large, that of the first in target order.
   */
  result(strategy: string, needed: (votes: number) => number): Aggregated {
    const camps = Array.from(this.#camps.values(), (camp) => camp.sort(byPlace));
    camps.sort((a, b) => b.length - a.length || byPlace(a[0] as Vote, b[0] as Vote));
    const votes = camps.flat();
    const [largest] = camps;
    if (!largest) throw nothingThere(strategy, this.#options, this.#unused.length);
    const consensus = largest.length >= needed(votes.length);
    const winners = consensus ? largest : [];
    const others = votes.filter((vote) => !winners.includes(vote)).sort(byPlace);
    return {
      value: winners[0]?.value ?? null,
      sources: namesOf(winners),
      consensus,
      ...(others.length > 0 && { dissent: [{ path: this.#options.path ?? "", values: others.map(said) }] }),
      ...(this.#unused.length > 0 && { unused: this.#unused.sort(byPlace) }),
      ...(this.#extracted.length > 0 && { extracted: namesOf(this.#extracted.sort(byPlace)) }),
    };
  }
}

function said(vote: Vote): Source & { value: Json } {
  return { ...sourceOf(vote), value: vote.value };
}

function nothingThere(strategy: string, { path }: AggregateOptions, answers: number): OrchestratorError {
  return new OrchestratorError(
    "aggregate_failed",
    `${strategy} found nothing at ${path} in any of ${answers} answers.`,
    { action: "Name a path that the answers have; text needs JSON in it for that." },
  );
}

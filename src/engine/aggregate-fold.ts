import { accumulator } from "../core/aggregation/aggregate.ts";
import { byPlace, sourceOf } from "../core/aggregation/gather.ts";
import {
  type Accumulator,
  type AggregateOptions,
  type AggregationStrategy,
  asks,
  type InstanceResult,
} from "../core/aggregation/strategy.ts";
import type { AggregateAnswer, MissingInstance } from "../core/answers.ts";
import type { Json } from "../core/json.ts";
import { keepText } from "../core/json-text.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Run } from "../core/run.ts";
import type { RunJournal } from "./run-journal.ts";

export interface AggregateSpec extends AggregateOptions {
  strategy: AggregationStrategy;
}

type Missing = MissingInstance & { place: number };

/** Makes one answer of many, taken one by one; what is not kept by the strategy is not kept here. */
export class Fold {
  readonly spec: AggregateSpec;
  readonly #answers: Accumulator;
  readonly #missing: Missing[] = [];
  readonly #taken = new Set<number>();

  constructor(spec: AggregateSpec) {
    this.spec = spec;
    // Whoever is asked is handed all of them.
    const { strategy } = spec;
    this.#answers = accumulator(asks(strategy) ? "collect" : strategy, spec);
  }

  /** How many answers it has. */
  get size(): number {
    return this.#taken.size;
  }

  /** So many agree that the rest need not be awaited. */
  get settled(): boolean {
    return this.#answers.settled === true;
  }

  /** Takes one answer; `place` is that of its target. */
  add(place: number, answer: InstanceResult): void {
    this.#taken.add(place);
    this.#answers.add({ ...answer, place });
  }

  /**
   * Takes a run's answers, one at a time, also those that are stored and not in memory.
   *
   * @param first The place of its first target.
   * @param source The run's id, where several are combined.
   */
  async addRun(
    journal: RunJournal,
    run: Run,
    first = 0,
    source: Pick<InstanceResult, "runId"> = {},
  ): Promise<void> {
    for (const [index, outcome] of run.outcomes.entries()) {
      const result = await resultOf(journal, run, index);
      const place = first + index;
      // A result that is done but could not be stored is missing, not null.
      if (result === undefined) this.#missing.push({ ...missing(outcome), ...source, place });
      else this.add(place, { instance: outcome.instance, ...source, result });
    }
  }

  /**
   * What it comes to by now. `by`, `verdict` and the value of strategies that ask are still to come: until
   * then the value is the list of all answers, as `collect` makes it.
   *
   * @param outcomes Those of the run whose answers are taken as they come; the others are missing.
   * @throws OrchestratorError `aggregate_failed`
   */
  result(outcomes: readonly Outcome[] = []): AggregateAnswer {
    const { dissent = [], unused = [], ...aggregated } = this.#answers.result();
    const without = [...this.#missing, ...this.#notTaken(outcomes), ...unused.map(useless)].sort(byPlace);
    return {
      strategy: this.spec.strategy,
      ...aggregated,
      dissent,
      missing: without.map(({ place: _, ...each }) => each),
      complete: without.length === 0,
    };
  }

  #notTaken(outcomes: readonly Outcome[]): Missing[] {
    return outcomes.flatMap((outcome, place) =>
      this.#taken.has(place) ? [] : [{ ...missing(outcome), place }],
    );
  }
}

function missing({ instance, delivery, reply, error }: Outcome): MissingInstance {
  const lost = reply === "done" && { why: "its result could not be stored" };
  return { instance, delivery, reply, ...(error && { error }), ...lost };
}

function useless({ place, why, ...source }: { place: number; why: string; instance: string }): Missing {
  return { ...sourceOf(source), reply: "done", delivery: "accepted", why, place };
}

async function resultOf(journal: RunJournal, run: Run, index: number): Promise<Json | undefined> {
  const { reply, result } = run.outcomes[index] as Outcome;
  if (reply !== "done" || result !== undefined) return result;
  const text = await journal.resultText(run.runId, index);
  return text === undefined ? undefined : keepText(JSON.parse(text) as Json, text);
}

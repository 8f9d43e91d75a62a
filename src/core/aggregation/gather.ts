import type { Combine, PlacedResult, Source, Strategy } from "./strategy.ts";

/** An accumulator that keeps every answer and combines them when it is asked. */
export function gathered(combine: Combine): Strategy {
  return (options) => {
    const answers: PlacedResult[] = [];
    return {
      add: (answer) => void answers.push(answer),
      result: () => combine(answers.sort(byPlace), options),
    };
  };
}

export function byPlace(a: { place: number }, b: { place: number }): number {
  return a.place - b.place;
}

/** Who gave them, each instance once. */
export function namesOf(sources: readonly Source[]): string[] {
  return [...new Set(sources.map(({ instance }) => instance))];
}

/** Who gave an answer, without the answer. */
export function sourceOf({ instance, runId }: Source): Source {
  return runId === undefined ? { instance } : { instance, runId };
}

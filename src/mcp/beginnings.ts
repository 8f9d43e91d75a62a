import type { Viewer } from "../core/context.ts";
import type { RunDetail } from "../core/run-answers.ts";
import type { Engine } from "../engine/engine.ts";
import type { Beginning } from "./excerpt.ts";

/** So many long results begin in one answer; of further ones the length is told. */
const MOST = 16;

/** How the results begin that are too long to stand in a run, by instance. */
export type Beginnings = ReadonlyMap<string, Beginning>;

export async function beginningsOf(
  engine: Engine,
  { runId, outcomes }: RunDetail,
  viewer: Viewer = {},
): Promise<Beginnings> {
  const long = outcomes.filter(({ resultChars }) => resultChars !== undefined).slice(0, MOST);
  const beginnings = await Promise.all(
    long.map(async ({ instance }) => {
      const page = await engine.runsGet({ runId, instance, offset: 0 }, viewer);
      if (!("text" in page)) return [];
      const { text, totalChars: chars } = page;
      return [[instance, { text, chars, isJson: /^[[{]/.test(text) }] as const];
    }),
  );
  return new Map(beginnings.flat());
}

import type { Json } from "../core/json.ts";
import type { StepView } from "../core/plan-answers.ts";
import type { StepProgress } from "../core/plan-state.ts";
import type { Run } from "../core/run.ts";
import type { EngineParts } from "./parts.ts";
import { resultKey } from "./run-keys.ts";
import { iso } from "./views.ts";

/** Values beyond this many characters are left to be read in pages. */
const INLINE_CHARS = 20_000;

export async function stepViews(parts: EngineParts, run: Run): Promise<StepView[]> {
  const { steps = [] } = run.plan ?? {};
  return Promise.all(steps.map((step, index) => stepView(parts, run.runId, step, index)));
}

/** One step, with its value if that is short. */
export async function stepView(
  parts: EngineParts,
  runId: string,
  { id, state, startedAt, endedAt, runIds, items, usage, error, fellBackTo, valueChars }: StepProgress,
  index: number,
): Promise<StepView> {
  const isShort = endedAt !== undefined && (valueChars ?? 0) <= INLINE_CHARS;
  const result = isShort && state !== "cancelled" ? await stepResult(parts, runId, index) : undefined;
  return {
    step: id,
    state,
    ...(startedAt !== undefined && { startedAt: iso(startedAt) }),
    ...(startedAt !== undefined && endedAt !== undefined && { elapsedMs: endedAt - startedAt }),
    runIds,
    ...(usage && { usage }),
    ...(items && { items: { ...items, failed: items.failed.length } }),
    ...(result && { value: result.value }),
    ...(!isShort && endedAt !== undefined && { valueChars }),
    ...(error && { error }),
    ...(fellBackTo !== undefined && { fellBackTo }),
  };
}

export async function stepResult(
  { store }: EngineParts,
  runId: string,
  index: number,
): Promise<{ value: Json } | undefined> {
  const entry = await store.get(resultKey(runId, index));
  return entry && (JSON.parse(entry.value) as { value: Json });
}

import type { OutcomeView, Page } from "../core/answers.ts";
import type { Viewer } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import { keepText } from "../core/json-text.ts";
import type { RunsCancelInput, RunsGetInput, RunsListInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { ResultPage, RunDetail, RunView } from "../core/run-answers.ts";
import type { EngineParts } from "./parts.ts";
import { resultPage, resultText } from "./result-page.ts";
import { awaitRun, takeUp } from "./run-waiting.ts";
import { stepViews } from "./step-views.ts";
import { outcomeView, runDetail, runView } from "./views.ts";
import { checkVisible, isVisible } from "./visibility.ts";

/** Results beyond this many characters are left to be read in pages. */
const INLINE_CHARS = 20_000;
/** How long the process that works on a run has to cancel it: longer than its instances have to answer. */
const FOREIGN_CANCEL_MS = 10_000;

/** A run with its outcomes, after waiting for it if asked to; or what came of it at one place, in pages. */
export async function getRun(
  parts: EngineParts,
  input: RunsGetInput,
  viewer: Viewer,
): Promise<RunDetail | ResultPage> {
  await checkVisible(parts, input.runId, viewer);
  await awaitRun(parts, input.runId, input.wait ?? 0);
  const open = parts.live.find(input.runId);
  const run = (await open?.known()) ?? (await parts.journal.read(input.runId));
  if (input.instance !== undefined || input.step !== undefined || input.value)
    return resultPage(parts, run, input);
  return detailOf(parts, run, open?.warnings ?? orphanWarning(parts, run));
}

async function detailOf(parts: EngineParts, run: Run, warnings?: readonly string[]): Promise<RunDetail> {
  const outcomes = await Promise.all(run.outcomes.map((_, index) => inlineOutcome(parts, run, index)));
  return { ...runDetail(run, warnings), outcomes, ...(run.plan && (await planDetail(parts, run))) };
}

async function planDetail(
  parts: EngineParts,
  run: Run,
): Promise<Pick<RunDetail, "steps" | "reply" | "value" | "error">> {
  if (run.endedAt === undefined) return { steps: await stepViews(parts, run), reply: "pending" };
  const { planAnswer } = await import("./orchestrate/views.ts");
  const { steps, reply, value, error } = await planAnswer(parts, { run, warnings: [], over: true });
  return { steps, reply, ...(value !== undefined && { value }), ...(error && { error }) };
}

/** An outcome with its result, or with the length of one that is too long to be read but in pages. */
export async function inlineOutcome(parts: EngineParts, run: Run, index: number): Promise<OutcomeView> {
  const outcome = run.outcomes[index] as Run["outcomes"][number];
  const { result: _, ...view } = outcomeView(outcome);
  const text = await resultText(parts, run, index);
  if (text === undefined) return view;
  return text.length <= INLINE_CHARS
    ? { ...view, result: keepText(JSON.parse(text), text) }
    : { ...view, resultChars: text.length };
}

/** What has to be said of a run that nobody works on and nobody here can take up. */
export function orphanWarning({ processes }: EngineParts, run: Run): string[] {
  if (run.endedAt !== undefined || !processes.isGone(run.owner)) return [];
  return [
    "The process that worked on this run has ended, and its instances are not in this fleet: what is pending here may have been done there.",
  ];
}

/** Runs from the newest to the oldest. */
export async function listRuns(
  { journal }: EngineParts,
  input: RunsListInput,
  viewer: Viewer,
): Promise<Page<RunView>> {
  // One more than asked for tells whether there is a next page.
  const runs = await visibleRuns(journal, { ...input, limit: input.limit + 1 }, viewer);
  const items = runs.slice(0, input.limit);
  const last = items.at(-1);
  return { items: items.map(runView), ...(runs.length > items.length && last && { next: last.runId }) };
}

async function visibleRuns(
  journal: EngineParts["journal"],
  input: RunsListInput,
  viewer: Viewer,
): Promise<Run[]> {
  if (viewer.only === undefined) return journal.list(input);
  const runs: Run[] = [];
  for await (const run of journal.all(input.after)) {
    if (isVisible(run, viewer)) runs.push(run);
    if (runs.length === input.limit) break;
  }
  return runs;
}

/** Cancels a run at its instances and returns what each of them says became of the work. */
export async function cancelRun(
  parts: EngineParts,
  { runId }: RunsCancelInput,
  viewer: Viewer,
): Promise<RunDetail> {
  await checkVisible(parts, runId, viewer);
  await takeUp(parts, runId);
  const open = parts.live.find(runId);
  if (open) {
    await parts.live.cancel(runId, new OrchestratorError("cancelled", "The run was cancelled."));
    return detailOf(parts, open.run, open.warnings);
  }
  const run = await parts.journal.read(runId);
  if (run.endedAt !== undefined) return detailOf(parts, run);
  if (parts.processes.isGone(run.owner)) throw outOfReach(run);
  await parts.orders.give(runId);
  await awaitRun(parts, runId, FOREIGN_CANCEL_MS);
  const now = await parts.journal.read(runId);
  if (now.endedAt !== undefined) return detailOf(parts, now);
  throw new OrchestratorError(
    "conflict",
    `Run ${runId} belongs to another process, which has not cancelled it yet.`,
    {
      runId,
      action: "Read it again with runs_get: the order stands, and is obeyed by whoever follows the run.",
    },
  );
}

function outOfReach({ runId, outcomes }: Run): OrchestratorError {
  const names = outcomes.filter(({ endedAt }) => endedAt === undefined).map(({ instance }) => instance);
  return new OrchestratorError(
    "interrupted",
    `The process that worked on run ${runId} has ended, and ${names.join(", ")} cannot be asked from here.`,
    { runId, action: "Add these instances to the fleet, where they were, and cancel again." },
  );
}

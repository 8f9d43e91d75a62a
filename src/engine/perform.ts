import { ANSWERED_EARLIER } from "../core/answered-earlier.ts";
import type { CallContext } from "../core/context.ts";
import type { Run } from "../core/run.ts";
import type { CallFacts } from "./call-keys.ts";
import { within } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import type { NewRun } from "./run-journal.ts";
import { awaitRun, bareRun, wholeRun } from "./run-waiting.ts";
import { iso } from "./views.ts";

/** A call that makes a run, or is answered with one that was made before. */
export interface Performance {
  facts: CallFacts;
  /** With `fresh`, an earlier run never answers. */
  input: { idempotencyKey?: string | undefined; fresh?: boolean };
  waitMs: number;
  timeoutMs: number;
  /** The results of an earlier run are left in the store. */
  bare?: boolean;
  /** Decides what is done and by whom; called only where no earlier run answers. */
  prepare: () => Promise<Prepared>;
}

/** What a new run is to be. */
export interface Prepared {
  run: Omit<NewRun, "runId">;
  work: (open: OpenRun) => Promise<void>;
  /** Resolves when the waiting is to end before the run does. */
  enough?: (open: OpenRun) => Promise<void>;
}

/** A run as far as it has come, and whether it has ended. */
export interface Performed {
  run: Run;
  warnings: readonly string[];
  over: boolean;
  /** The run that is worked on here, unless an earlier one answers. */
  open?: OpenRun;
}

/**
 * Makes the run of a call and waits for it. The same idempotency key again is answered with the same
 * run; so is, once, the identical call after one whose caller was gone before the answer came.
 *
 * @throws OrchestratorError `conflict` for a key that stands for other work, and what the preparing or
 * the work throws.
 */
export async function perform(
  parts: EngineParts,
  call: Performance,
  context: CallContext,
): Promise<Performed> {
  // Before anything is chosen: a run that was made is answered also when nobody could be asked now.
  const earlier = await earlierRun(parts, call, context);
  if (earlier) return earlier;
  const { run, work, enough } = await call.prepare();
  const runId = parts.journal.newId();
  const theirs = await claimedBy(parts, call, runId);
  if (theirs !== undefined) return follow(parts, theirs, call, context);
  tellRun(parts, context, runId);
  const { open, ended } = begin(parts, { runId, ...run }, call, context, work);
  mindLeaving(parts, call, context, runId);
  const settled = enough ? Promise.race([ended, enough(open)]) : ended;
  return performOpen(parts, { open, ended: settled }, call, context);
}

/** Waits for a run that is worked on here, as long as its caller does. */
export async function performOpen(
  parts: EngineParts,
  { open, ended }: { open: OpenRun; ended: Promise<void> },
  call: Pick<Performance, "waitMs" | "timeoutMs">,
  context: CallContext,
): Promise<Performed> {
  const waitMs = waitOf(call, context);
  // A wait that is as long as the timeout goes on until the instances have said what the cancel at the deadline
  // came to.
  const boundMs = waitMs < call.timeoutMs ? waitMs : context.longestWaitMs;
  // What still runs when this process is about to go is left to others.
  const over = await within(parts.clock, ended, boundMs, parts.leaving);
  const run = open.run.endedAt === undefined ? await open.known() : open.run;
  return { run, warnings: open.warnings, over, open };
}

/** How long the call stays open: no longer than its face can keep it. */
function waitOf({ waitMs }: Pick<Performance, "waitMs">, { longestWaitMs = waitMs }: CallContext): number {
  return Math.min(waitMs, longestWaitMs);
}

/**
 * Whoever leaves before all of the answer is out leaves it to the identical call, unless the work has a key of
 * its own to be asked for by.
 */
function mindLeaving(
  { keys, logger }: EngineParts,
  { input: { idempotencyKey }, facts }: Performance,
  { gone }: CallContext,
  runId: string,
): void {
  if (idempotencyKey !== undefined) return;
  gone?.onCancel(() => {
    keys.leaveUnclaimed(facts, runId).catch((error: unknown) => {
      logger.warn({ err: error, runId }, "the run of a caller that left could not be kept for the next call");
    });
  });
}

function tellRun({ logger }: EngineParts, { onRun }: CallContext, runId: string): void {
  try {
    onRun?.(runId);
  } catch (error) {
    // Whoever watches must not disturb the work.
    logger.warn({ err: error, runId }, "the run's id could not be told");
  }
}

function begin(
  parts: EngineParts,
  run: NewRun,
  { input: { idempotencyKey } }: Performance,
  context: CallContext,
  work: Prepared["work"],
) {
  if (idempotencyKey !== undefined) run.keyed = true;
  if (context.partOf) run.partOf = context.partOf;
  try {
    return parts.live.start(run, context, work);
  } finally {
    parts.keys.begun(run.runId);
  }
}

async function earlierRun(
  parts: EngineParts,
  call: Performance,
  context: CallContext,
): Promise<Performed | undefined> {
  const { facts, input } = call;
  const { idempotencyKey, fresh } = input;
  if (idempotencyKey !== undefined) {
    const theirs = await parts.keys.find(facts, idempotencyKey);
    return theirs !== undefined && (await isKnown(parts, theirs))
      ? follow(parts, theirs, call, context)
      : undefined;
  }
  if (fresh || !context.gone) return undefined;
  const unclaimed = await parts.keys.takeUnclaimed(facts);
  if (unclaimed === undefined || !(await isKnown(parts, unclaimed))) return undefined;
  return follow(parts, unclaimed, call, context, [ANSWERED_EARLIER]);
}

/** The run that already has the caller's key, if one was made meanwhile; else the key is this run's. */
async function claimedBy(
  parts: EngineParts,
  { facts, input: { idempotencyKey } }: Performance,
  runId: string,
): Promise<string | undefined> {
  if (idempotencyKey === undefined) return undefined;
  return parts.keys.claim(facts, idempotencyKey, runId, (known) => isKnown(parts, known));
}

async function isKnown(parts: EngineParts, runId: string): Promise<boolean> {
  return parts.live.find(runId) !== undefined || (await parts.journal.has(runId));
}

async function follow(
  parts: EngineParts,
  runId: string,
  call: Performance,
  context: CallContext,
  warnings: string[] = [],
): Promise<Performed> {
  tellRun(parts, context, runId);
  mindLeaving(parts, call, context, runId);
  await awaitRun(parts, runId, waitOf(call, context));
  const open = parts.live.find(runId);
  const run = await (call.bare ? bareRun : wholeRun)(parts, runId);
  const said = warnings.map((warning) => `${warning} It was begun at ${iso(run.createdAt)}.`);
  return { run, warnings: [...said, ...(open?.warnings ?? [])], over: run.endedAt !== undefined };
}

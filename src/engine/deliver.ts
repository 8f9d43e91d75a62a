import type { RetryContext } from "p-retry";
import type { Instance } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer } from "../core/ports.ts";
import { retryDelay } from "../policy/backoff.ts";
import type { RetryBudget } from "../policy/budget.ts";
import { type AdmissionDependencies, admitted } from "./admission.ts";
import type { Work } from "./attempt.ts";
import type { OpenRun } from "./open-run.ts";
import { sleep } from "./sleep.ts";

export interface DeliverDependencies extends AdmissionDependencies {
  budget: RetryBudget;
}

export interface DeliverOptions {
  /** Rounds over the candidates after the first. */
  retries: number;
  /** Doing the work twice is harmless: then others may be asked after an unknown delivery. */
  idempotent: boolean;
  /** Each is tried in spite of what is believed of it. */
  doubtful?: boolean;
}

/** An instance that may do the work, where what becomes of it there is noted, and what is known so far. */
interface Candidate {
  instance: Instance;
  outcome?: Outcome | undefined;
  answer?: Answer;
  /** Monotonic time before which it asked not to be tried again. */
  notBefore?: number;
}

/**
 * Has the first of the candidates that can do the work; the outcomes of all that were tried are ended.
 * A candidate that was not sent the work makes way for the next; when none is left there are further
 * rounds, with backoff. After an unknown delivery nobody else is asked, unless the work is idempotent.
 *
 * @throws OrchestratorError when an attempt's intent could not be committed, and so was not sent.
 */
export async function deliver(
  deps: DeliverDependencies,
  open: OpenRun,
  instances: readonly Instance[],
  work: Work,
  options: DeliverOptions,
): Promise<void> {
  const { retries } = options;
  deps.budget.called();
  const first: Candidate = { instance: instances[0] as Instance };
  // Nearly always the first that is asked takes the work: nothing more is prepared before it is asked.
  if (await offer(deps, open, first, work, options)) return endAll(open, [first]);

  const candidates: Candidate[] = [first, ...instances.slice(1).map((instance) => ({ instance }))];
  const waitOf = ({ notBefore = 0 }: Candidate) => Math.max(0, notBefore - deps.clock.monotonic());

  /** Whether one of them has taken the work. */
  const round = async (among: readonly Candidate[]): Promise<boolean> => {
    for (const candidate of among) {
      if (open.cancellation.error) return false;
      if (!mayTry(candidate) || waitOf(candidate) > 0) continue;
      if (await offer(deps, open, candidate, work, options)) return true;
    }
    return false;
  };

  /** Waits for the next round; whether there is to be one. */
  const pause = async (round: number): Promise<boolean> => {
    const { remainingMs, cancellation } = open;
    const waits = candidates.filter(mayTry).flatMap((candidate) => {
      const wait = waitOf(candidate);
      return wait < remainingMs ? [wait] : [];
    });
    if (waits.length === 0 || cancellation.error) return false;
    // The last round is for everyone who will be ready in time.
    const retryAfterMs = round + 1 < retries ? Math.min(...waits) : Math.max(...waits);
    const delay = retryDelay({ round, random: deps.random, remainingMs, retryAfterMs });
    if (delay === undefined) return false;
    if (!deps.budget.take()) {
      if (!open.warnings.includes(BUDGET_SPENT)) open.warnings.push(BUDGET_SPENT);
      return false;
    }
    await sleep(deps.clock, delay, cancellation);
    return !cancellation.error;
  };

  try {
    const taken = await round(candidates.slice(1));
    if (!taken && retries > 0 && (await pause(0))) await retryRounds(() => round(candidates), pause, retries);
  } finally {
    endAll(open, candidates);
  }
}

const BUDGET_SPENT =
  "There was no further retry: those of the last 10 s are 10 and a fifth of the calls, which is the most allowed.";

/** Has one candidate try the work; whether it has taken it, so that nobody else is to be asked. */
async function offer(
  deps: DeliverDependencies,
  open: OpenRun,
  candidate: Candidate,
  work: Work,
  { idempotent, doubtful = false }: DeliverOptions,
): Promise<boolean> {
  candidate.outcome ??= open.outcomeAt(candidate.instance);
  const answer = await admitted(deps, open, candidate.outcome, candidate.instance, work, doubtful);
  candidate.answer = answer;
  if (answer.delivery !== "not_sent")
    return !idempotent || answer.reply === "done" || answer.reply === "cancelled";
  if (answer.retryAfterMs !== undefined) candidate.notBefore = deps.clock.monotonic() + answer.retryAfterMs;
  return false;
}

function endAll(open: OpenRun, candidates: readonly Candidate[]): void {
  for (const { outcome, answer } of candidates) if (outcome && answer) open.end(outcome, answer);
}

/** p-retry is loaded after a first failure alone: around every call it costs 40 % (ANCHORS). */
async function retryRounds(
  round: () => Promise<boolean>,
  pause: (round: number) => Promise<boolean>,
  rounds: number,
): Promise<void> {
  const { default: pRetry, AbortError } = await import("p-retry");
  class RoundFailed extends Error {}
  const once = async () => {
    // What a round throws is no refusal by an instance: it ends the retries.
    const taken = await round().catch((error: Error) => {
      throw new AbortError(error);
    });
    if (!taken) throw new RoundFailed();
  };
  await pRetry(once, {
    retries: rounds - 1,
    minTimeout: 0,
    maxTimeout: 0,
    onFailedAttempt: async ({ error, attemptNumber, retriesLeft }: RetryContext) => {
      if (retriesLeft > 0 && !(await pause(attemptNumber))) throw error;
    },
  }).catch((error: unknown) => {
    if (!(error instanceof RoundFailed)) throw error;
  });
}

function mayTry({ answer }: Candidate): boolean {
  return answer === undefined || (answer.delivery === "not_sent" && answer.again === "later");
}

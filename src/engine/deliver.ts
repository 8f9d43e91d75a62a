import type { RetryContext } from "p-retry";
import type { Instance } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer } from "../core/ports.ts";
import { retryDelay } from "../policy/backoff.ts";
import { type AttemptDependencies, attempt, type Work } from "./attempt.ts";
import type { OpenRun } from "./open-run.ts";
import { sleep } from "./sleep.ts";

export interface DeliverOptions {
  /** Rounds over the candidates after the first. */
  retries: number;
  /** Doing the work twice is harmless: then others may be asked after an unknown delivery. */
  idempotent: boolean;
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
  deps: AttemptDependencies,
  open: OpenRun,
  instances: readonly Instance[],
  work: Work,
  { retries, idempotent }: DeliverOptions,
): Promise<void> {
  const candidates: Candidate[] = instances.map((instance) => ({ instance }));
  const waitOf = ({ notBefore = 0 }: Candidate) => Math.max(0, notBefore - deps.clock.monotonic());

  /** Whether one of them has taken the work. */
  const round = async (): Promise<boolean> => {
    for (const candidate of candidates) {
      if (!mayTry(candidate) || waitOf(candidate) > 0) continue;
      candidate.outcome ??= open.outcomeAt(candidate.instance);
      const answer = await attempt(deps, open, candidate.outcome, candidate.instance, work);
      candidate.answer = answer;
      if (answer.delivery === "not_sent") {
        if (answer.retryAfterMs !== undefined)
          candidate.notBefore = deps.clock.monotonic() + answer.retryAfterMs;
      } else if (!idempotent || answer.reply === "done" || answer.reply === "cancelled") return true;
      if (open.cancellation.error) return false;
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
    await sleep(deps.clock, delay, cancellation);
    return !cancellation.error;
  };

  try {
    if (!(await round()) && retries > 0 && (await pause(0))) await retryRounds(round, pause, retries);
  } finally {
    for (const { outcome, answer } of candidates) if (outcome && answer) await open.end(outcome, answer);
  }
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

import { OrchestratorError } from "../core/errors.ts";
import { type Instance, instanceId } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer } from "../core/ports.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import type { PresenceBoard } from "./presence.ts";

import { endRecoveredTurn } from "./session-turns.ts";

import { settle } from "./settle.ts";

const LOOK_EVERY_MS = 5_000;
const SWEEP_AGAIN_MS = 60_000;

/**
 * Takes up what other processes left open when they died or fell silent. It asks and cancels, it never
 * sends: what was not sent closes as `not_sent`, `interrupted`; what was or may have been sent is
 * followed to its end, or told as unknown.
 */
export class Recovery {
  readonly #parts: EngineParts;
  readonly #board: PresenceBoard;
  readonly #sweptAt = new Map<string, number>();
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  constructor(parts: EngineParts, board: PresenceBoard) {
    this.#parts = parts;
    this.#board = board;
  }

  /** Looks now, and again every 5 s. */
  start(): void {
    const look = () =>
      this.look()
        .catch((error: unknown) =>
          this.#parts.logger.warn({ err: error }, "open runs could not be looked for"),
        )
        .then(() => {
          if (!this.#stopped) this.#stopTimer = this.#parts.clock.after(LOOK_EVERY_MS, () => void look());
        });
    void look();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
  }

  /** Takes over every run whose owner's lease has run out. */
  async look(): Promise<void> {
    const lapsed = new Map<string, { left: number }>();
    for (const processId of await this.#board.lapsed()) {
      if (!this.#sweptLately(processId)) lapsed.set(processId, { left: 0 });
    }
    if (lapsed.size === 0) return;
    for await (const { runId, owner, endedAt } of this.#parts.journal.all()) {
      const found = endedAt === undefined ? lapsed.get(owner) : undefined;
      if (found && !(await this.takeOver(runId, owner))) found.left += 1;
    }
    for (const [processId, { left }] of lapsed) {
      this.#sweptAt.set(processId, this.#parts.clock.monotonic());
      if (left === 0) await this.#board.forget(processId);
    }
  }

  /** What is left of a process, since its instances are not ours, is not looked through again and again. */
  #sweptLately(processId: string): boolean {
    const sweptAt = this.#sweptAt.get(processId) ?? Number.NEGATIVE_INFINITY;
    return this.#parts.clock.monotonic() - sweptAt < SWEEP_AGAIN_MS;
  }

  /** Takes one over, if all its instances are in this fleet; whether nothing of it is left to take. */
  async takeOver(runId: string, from: string): Promise<boolean> {
    const { journal, live, logger, fleet } = this.#parts;
    const run = await journal.read(runId);
    const known = await fleet.known();
    // Two projects on one machine may both have an A: only those who know this one may ask it.
    const strange = run.outcomes.filter((outcome) => isOpen(outcome) && !instanceOf(outcome, known));
    const ids = new Set(known.map(instanceId));
    if (strange.length > 0 || run.plan?.origins.some((id) => !ids.has(id))) return false;
    const open = await live.adopt(runId, from, (adopted) => this.#finish(adopted, known));
    if (open) logger.info({ runId, from }, "a run of another process is taken over");
    return true;
  }

  async #finish(open: OpenRun, known: readonly Instance[]): Promise<void> {
    const { run } = open;
    if (run.plan) {
      // Only plans go on: what each call of theirs came to is asked for, by its key.
      const { recoverPlan } = await import("./orchestrate/orchestrate.ts");
      return recoverPlan(this.#parts, open);
    }
    await Promise.all(
      run.outcomes.filter(isOpen).map(async (outcome) => {
        const instance = instanceOf(outcome, known) as Instance;
        open.end(outcome, await this.#last(open, outcome, instance));
      }),
    );
    if (run.sessionId !== undefined) await endRecoveredTurn(this.#parts, run);
  }

  /** The last word on an outcome: what its instance says of the last attempt that may have arrived. */
  async #last(open: OpenRun, outcome: Outcome, instance: Instance): Promise<Answer> {
    const attempt = open.attemptsAt(outcome).findLast(({ delivery }) => delivery !== "not_sent");
    if (!attempt) return interrupted(outcome);
    const { clients } = this.#parts;
    const { key, storeId: storeIdBefore } = attempt;
    const client = clients.of(instance);
    const answer = await settle(
      { ...this.#parts, open, instance, client, key, storeIdBefore },
      asLeft(outcome, attempt.delivery),
    );
    open.note(attempt, outcome, answer);
    return answer;
  }
}

function isOpen({ endedAt }: Outcome): boolean {
  return endedAt === undefined;
}

function instanceOf({ instance, origin }: Outcome, known: readonly Instance[]): Instance | undefined {
  return known.find((each) => each.name === instance && each.origin === origin);
}

/** What the dead process knew when it last wrote. */
function asLeft({ instance, taskId }: Outcome, delivery: Outcome["delivery"]): Answer {
  if (delivery === "accepted") {
    return { delivery, reply: "pending", ...(taskId !== undefined && { taskId }) };
  }
  const error = new OrchestratorError(
    "interrupted",
    `The process that sent the task to ${instance} ended before it was known to have arrived.`,
    { instance, delivery: "unknown", action: "Ask the instance what it did before you send the work again." },
  );
  return { delivery: "unknown", reply: "none", error };
}

function interrupted({ instance }: Outcome): Answer {
  return {
    delivery: "not_sent",
    reply: "none",
    again: "never",
    error: new OrchestratorError(
      "interrupted",
      `The process ended before the task was sent to ${instance}.`,
      {
        instance,
        delivery: "not_sent",
        action: "Nothing was sent: start the work anew if it is still wanted.",
      },
    ),
  };
}

import type { Task } from "@a2a-js/sdk";
import { Cancellation } from "../core/cancellation.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Answer, AskOptions, CancelAnswer, NotSent } from "../core/ports.ts";
import { answerOf, hasEnded } from "./a2a-answers.ts";
import { type Failed, failedAnswer, ownErrorOf } from "./a2a-errors.ts";
import type { Sending } from "./a2a-send.ts";
import { pause } from "./pause.ts";

/** A task is asked about soon, then ever less often: some agents take 30 requests a minute. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** How long a cancellation may take to show in the task. */
const CANCELLING_MS = 2_000;

/** Asks about tasks that an agent has, and cancels them. */
export class A2aTasks {
  readonly #sending: Sending;
  /** How long to wait before each of them is asked about again. */
  readonly #pauses = new Map<string, number>();
  /** What has been found to be too often for this agent is so for all of its tasks. */
  #leastMs = FIRST_PAUSE_MS;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  /** What a task has come to: looked at soon, then ever less often, until it has ended or the wait is over. */
  async ask(taskId: string, { waitMs, cancellation }: AskOptions): Promise<Answer | "unseen"> {
    const { clock } = this.#sending;
    const endsAt = clock.monotonic() + waitMs;
    for (;;) {
      const left = endsAt - clock.monotonic();
      const wait = Math.max(this.#leastMs, this.#pauses.get(taskId) ?? 0);
      if (left > 0) await pause(clock, Math.min(wait, left), cancellation);
      if (cancellation.error) return { delivery: "accepted", reply: "pending", taskId };
      const heard = await this.#look(taskId, cancellation);
      if (!isWaiting(heard)) {
        this.#pauses.delete(taskId);
        return heard;
      }
      if (heard.delivery === "not_sent") this.slowDown();
      const told = heard.delivery === "not_sent" ? (heard.retryAfterMs ?? 0) : 0;
      this.#pauses.set(taskId, Math.max(told, Math.min(2 * wait, LONGEST_PAUSE_MS)));
      if (clock.monotonic() >= endsAt)
        // That we ask too often says nothing of the task.
        return heard.delivery === "not_sent" ? { delivery: "accepted", reply: "pending", taskId } : heard;
    }
  }

  /** The agent counts requests, and says that they are too many. */
  slowDown(): void {
    this.#leastMs = LONGEST_PAUSE_MS;
  }

  async cancel(taskId: string): Promise<CancelAnswer> {
    const { requests, instance, clock } = this.#sending;
    const { name } = instance;
    const cancellation = new Cancellation();
    const found = await requests.agent(cancellation);
    if (!("agent" in found)) return { known: "unknown", error: found.refusal.error };
    const told = await requests.question(found.agent, cancellation, (client) =>
      client.cancelTask({ tenant: "", id: taskId, metadata: undefined }),
    );
    if ("value" in told && hasEnded(told.value)) return this.#told(answerOf(told.value, name), taskId);
    // One that has not ended yet may take a moment; one that cannot be cancelled may have ended before.
    const options = { waitMs: "value" in told ? CANCELLING_MS : 0, cancellation };
    const heard = await this.ask(taskId, options);
    const isKnown = heard !== "unseen" && heard.delivery === "accepted";
    if (isKnown && ("value" in told || heard.reply !== "pending")) return this.#told(heard, taskId);
    if ("value" in told) return this.#told(answerOf(told.value, name), taskId);
    return { known: "unknown", error: refusalOf(told, name, clock.now()) };
  }

  #told(answer: Answer, taskId: string): CancelAnswer {
    if (answer.reply !== "pending") this.#pauses.delete(taskId);
    return { known: true, answer };
  }

  async #look(taskId: string, cancellation: Cancellation): Promise<Answer | "unseen"> {
    const { requests, instance, clock } = this.#sending;
    const found = await requests.agent(cancellation);
    if (!("agent" in found)) return found.refusal;
    const told = await requests.question(found.agent, cancellation, (client) =>
      client.getTask({ tenant: "", id: taskId, historyLength: 1 }),
    );
    return "value" in told
      ? readTask(told.value, taskId, instance.name)
      : unread(told, instance.name, clock.now());
  }
}

function isWaiting(heard: Answer | "unseen"): heard is NotSent | Extract<Answer, { reply: "pending" }> {
  if (heard === "unseen") return false;
  return heard.delivery === "not_sent" ? heard.error.code === "rate_limited" : heard.reply === "pending";
}

function readTask(task: Task, taskId: string, name: string): Answer {
  if (task.id === taskId) return answerOf(task, name);
  const error = new OrchestratorError(
    "instance_error",
    `${name} was asked for task ${taskId} and answered with another.`,
    {
      instance: name,
      delivery: "unknown",
    },
  );
  return { delivery: "unknown", reply: "none", error };
}

/** A question that was not answered says nothing of the task, unless the agent says that it has none. */
function unread(failed: Failed, name: string, now: number): Answer | "unseen" {
  if (ownErrorOf(failed)?.reason === "TASK_NOT_FOUND") return "unseen";
  const answer = failedAnswer(failed, name, now);
  const isTooLarge = failed.wire.exchange?.failure?.kind === "too_large";
  if (answer.delivery !== "accepted" || isTooLarge || !answer.error) return answer;
  return { delivery: "unknown", reply: "none", error: answer.error.with({ delivery: "unknown" }) };
}

function refusalOf(failed: Failed, name: string, now: number): OrchestratorError {
  const own = ownErrorOf(failed);
  const { error } = failedAnswer(failed, name, now);
  if (!own && error) return error;
  return new OrchestratorError(
    "instance_error",
    `${name} does not cancel it: ${own?.message ?? "it does not say why"}`,
    {
      instance: name,
    },
  );
}

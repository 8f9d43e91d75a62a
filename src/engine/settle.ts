import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type {
  Answer,
  CancelAnswer,
  Clock,
  InstanceClient,
  NoReply,
  NotSent,
  Random,
  TaskRef,
} from "../core/ports.ts";
import { retryDelay } from "../policy/backoff.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import type { OpenRun } from "./open-run.ts";
import { sleep } from "./sleep.ts";

const HOLD_MS = 20_000;
/** An instance that answers a question at once, again and again, is not asked more often than this. */
const ASK_EVERY_MS = 500;
/** So many questions in a row may fail: with their backoff, some two seconds. */
const MOST_FAILURES = 4;
/** Once told to cancel, an instance gets so long to say what became of the work. */
const CANCEL_PATIENCE_MS = 5_000;
/** One that does not answer at all is given up sooner: our host answers a cancel within 2 s. */
const CANCEL_ANSWER_MS = 3_000;

/** Instances keep keys for 24 hours at least; their clocks and ours may differ. */
const REMEMBERED_MS = 20 * 3_600_000;

type StopCode = "timeout" | "cancelled";

export interface Settling {
  clock: Clock;
  random: Random;
  health: HealthMonitor;
  open: OpenRun;
  instance: Instance;
  client: InstanceClient;
  key: string;
  /** The journal's identity that health showed before the send; a tombstone's proof needs it. */
  storeIdBefore: string | undefined;
}

/**
 * Follows a task that was, or may have been, delivered until its instance has said what became of it
 * or cannot be asked any more. It asks and cancels; it never sends the work again.
 */
export async function settle(task: Settling, first: Answer): Promise<Answer> {
  const { client, open, clock } = task;
  let answer = first;
  let failures = 0;
  while (!open.cancellation.error) {
    if (answer.delivery === "unknown" && !client.capabilities.idempotency) return answer;
    const askedAt = clock.monotonic();
    const heard = await client.ask(refTo(task, answer), {
      waitMs: Math.max(0, Math.min(HOLD_MS, open.remainingMs)),
      cancellation: open.cancellation,
    });
    if (open.cancellation.error) break;
    if (heard !== "unseen") task.health.note(task.instance, heard);
    if (heard === "unseen") {
      const buried = await bury(task, answer);
      return buried === answer && answer.delivery === "accepted" ? forgotten(task, answer) : buried;
    }
    if (heard.delivery === "accepted") {
      answer = heard;
      failures = 0;
      if (heard.reply !== "pending") return heard;
      await sleep(clock, ASK_EVERY_MS - (clock.monotonic() - askedAt), open.cancellation);
      continue;
    }
    // The question failed, not the work: what is known of the delivery stays as it was.
    const delay = retryDelay({
      round: failures,
      random: task.random,
      remainingMs: open.remainingMs,
      ...retryAfter(heard),
    });
    if (++failures > MOST_FAILURES) return lostTouch(task, answer, heard.error);
    // Where the deadline comes first, there is still the cancelling to be done.
    await sleep(clock, delay ?? open.remainingMs, open.cancellation);
  }
  return cancelThere(task, answer, open.cancellation.error as OrchestratorError);
}

function refTo({ key }: Settling, answer: Answer): TaskRef {
  return { key, ...taskIdOf(answer) };
}

function retryAfter(answer: Answer): Pick<NotSent, "retryAfterMs"> {
  return answer.delivery === "not_sent" && answer.retryAfterMs !== undefined
    ? { retryAfterMs: answer.retryAfterMs }
    : {};
}

/** It never saw the key: a tombstone makes that true for ever, which proves that nothing was sent. */
async function bury(task: Settling, answer: Answer): Promise<Answer> {
  const told = await cancelOnce(task, { key: task.key });
  if (told.known === true) return told.answer.reply === "pending" ? settle(task, told.answer) : told.answer;
  if (isProof(task, told)) {
    return provenNotSent(task, "The instance has proved that the request never arrived.", "instance_error");
  }
  return answer;
}

/** A tombstone proves that the key was never seen, as long as its instance is sure to remember those that were. */
function isProof({ clock, open, storeIdBefore }: Settling, told: CancelAnswer): boolean {
  return (
    told.known === false && told.storeId === storeIdBefore && clock.now() - open.run.createdAt < REMEMBERED_MS
  );
}

function provenNotSent(
  task: Settling,
  message: string,
  code: "instance_error" | "cancelled" | "timeout",
): NotSent {
  return {
    delivery: "not_sent",
    reply: "none",
    again: code === "instance_error" ? "later" : "never",
    keyBurnt: true,
    error: new OrchestratorError(code, message, {
      instance: task.instance.name,
      delivery: "not_sent",
    }),
  };
}

function forgotten(task: Settling, answer: Answer): Answer {
  return {
    delivery: "accepted",
    reply: "failed",
    ...taskIdOf(answer),
    error: new OrchestratorError(
      "interrupted",
      `${task.instance.name} accepted the task and no longer knows it: its journal is gone.`,
      { instance: task.instance.name, delivery: "accepted" },
    ),
  };
}

/** Nobody answers any more: the delivery stays what it was, and the reply is not awaited. */
function lostTouch(task: Settling, answer: Answer, why: OrchestratorError): Answer {
  const { name } = task.instance;
  const error = new OrchestratorError(
    why.code,
    `${name} ${answer.delivery === "accepted" ? "accepted the task" : "may have the task"} and cannot be asked about it: ${why.message}`,
    {
      instance: name,
      delivery: answer.delivery,
      action: "Check the instance; do not send the work again before you know what it did.",
    },
  );
  return noReply(answer, error);
}

/** Tells the instance to stop, and reports what it says became of the work. */
async function cancelThere(task: Settling, first: Answer, why: OrchestratorError): Promise<Answer> {
  if (task.open.lost) return noReply(first, why);
  let answer = first;
  const code: StopCode = why.code === "timeout" ? "timeout" : "cancelled";
  const giveUpAt = task.clock.monotonic() + CANCEL_PATIENCE_MS;
  for (;;) {
    const told = await cancelOnce(task, refTo(task, answer));
    if (told.known === false) {
      if (answer.delivery !== "accepted" && isProof(task, told)) {
        return provenNotSent(task, `${why.message} The work had not begun.`, code);
      }
      return cancelledWith(
        task,
        answer,
        `${why.message} The instance does not know the task and will not run it.`,
        code,
      );
    }
    if (told.known === "disconnected") {
      const { name } = task.instance;
      return cancelledWith(
        task,
        answer,
        `${why.message} The connection to ${name} was closed, which stops its work.`,
        code,
      );
    }
    if (told.known === true && told.answer.delivery === "accepted") {
      if (told.answer.reply === "cancelled") return cancelledWith(task, told.answer, why.message, code);
      if (told.answer.reply !== "pending") return told.answer;
      answer = told.answer;
    }
    if (told.known === "unknown" || task.clock.monotonic() >= giveUpAt) {
      const obstacle = told.known === "unknown" ? told.error.message : "it is still working";
      return stillRunning(
        task,
        answer,
        `${why.message} ${task.instance.name} could not be stopped: ${obstacle}`,
        code,
      );
    }
    await sleep(task.clock, ASK_EVERY_MS / 2);
  }
}

async function cancelOnce({ client, clock, instance }: Settling, ref: TaskRef): Promise<CancelAnswer> {
  let stop = () => {};
  const silence = new Promise<CancelAnswer>((resolve) => {
    stop = clock.after(CANCEL_ANSWER_MS, () => {
      const error = new OrchestratorError("timeout", `${instance.name} did not answer the cancellation.`);
      resolve({ known: "unknown", error });
    });
  });
  const told = await Promise.race([client.cancel(ref), silence]);
  stop();
  return told;
}

function cancelledWith(task: Settling, answer: Answer, message: string, code: StopCode): Answer {
  const error = stopError(task, answer, message, code);
  return answer.delivery === "accepted"
    ? { delivery: "accepted", reply: "cancelled", error, ...taskIdOf(answer) }
    : noReply(answer, error);
}

/** We stop waiting, and it may go on: that is said rather than called cancelled. */
function stillRunning(task: Settling, answer: Answer, message: string, code: StopCode): Answer {
  const action = "Check the instance: the work may still be going on there.";
  return noReply(answer, stopError(task, answer, message, code).with({ action }));
}

function stopError({ instance }: Settling, { delivery }: Answer, message: string, code: StopCode) {
  return new OrchestratorError(code, message, { instance: instance.name, delivery });
}

function noReply(answer: Answer, error: OrchestratorError): NoReply {
  const delivery = answer.delivery === "accepted" ? "accepted" : "unknown";
  return { delivery, reply: "none", error, ...taskIdOf(answer) };
}

function taskIdOf(answer: Answer): { taskId?: string } {
  return answer.delivery === "accepted" && answer.taskId !== undefined ? { taskId: answer.taskId } : {};
}

import { OrchestratorError } from "../core/errors.ts";
import { isObject, parseJson } from "../core/json.ts";
import type { Answer, CancelAnswer } from "../core/ports.ts";
import type { Reading } from "./channel.ts";
import { failureError, isSuccess, refusal } from "./delivery.ts";
import { acceptedAnswer, notOurs, readOwnError, readTask, taskAnswer } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";

// What an exchange with the Instance API means, by what was asked. `now` is epoch milliseconds.

/** Of a task or message that was sent. */
export function readAnswer(exchange: Exchange, instance: string, now: number): Reading<Answer> {
  const answer = isSuccess(exchange.status)
    ? acceptedAnswer(exchange, instance)
    : refused(exchange, instance, now);
  return { value: answer, quotes: "error" in answer };
}

/** Of a question about a task: only an answer of our own says anything about the task. */
export function readAsked(exchange: Exchange, instance: string, now: number): Reading<Answer | "unseen"> {
  if (exchange.status === 404 && readOwnError(exchange.body)?.code === "run_not_found") {
    return { value: "unseen", quotes: false };
  }
  const task = isSuccess(exchange.status) && !exchange.failure ? readTask(exchange.body) : undefined;
  // A tombstone: the key was buried before it ever came, maybe by a process that asked before this one.
  if (task?.existed === false) return { value: "unseen", quotes: false };
  if (isSuccess(exchange.status) && !exchange.failure && !task) {
    const error = notOurs(exchange, instance).with({ delivery: "unknown" });
    return { value: { delivery: "unknown", reply: "none", error }, quotes: true };
  }
  return readAnswer(exchange, instance, now);
}

/** Of a cancellation. */
export function readCancelled(exchange: Exchange, instance: string, now: number): Reading<CancelAnswer> {
  const { status, failure, body } = exchange;
  if (!isSuccess(status)) return untold(refused(exchange, instance, now).error);
  if (failure) return untold(failureError(failure, instance).with({ instance }));
  const task = readTask(body);
  if (!task) return untold(notOurs(exchange, instance));
  if (task.existed !== false) {
    const answer = taskAnswer(task, instance);
    return { value: { known: true, answer }, quotes: "error" in answer };
  }
  return typeof task.storeId === "string"
    ? { value: { known: false, storeId: task.storeId }, quotes: false }
    : untold(notOurs(exchange, instance));
}

function untold(error: OrchestratorError): Reading<CancelAnswer> {
  return { value: { known: "unknown", error }, quotes: true };
}

/** Of opening a session: the instance's id for it, or why there is none. */
export function readOpened(
  exchange: Exchange,
  instance: string,
  now: number,
): Reading<string | OrchestratorError> {
  return { value: openedId(exchange, instance, now), quotes: true };
}

function openedId(exchange: Exchange, instance: string, now: number): string | OrchestratorError {
  const { status, failure, body } = exchange;
  if (!isSuccess(status)) return refused(exchange, instance, now).error;
  if (failure) return failureError(failure, instance).with({ instance, delivery: "accepted" });
  const opened = parseJson(body);
  if (isObject(opened) && typeof opened.id === "string" && opened.id.length <= 256) return opened.id;
  return new OrchestratorError("instance_error", `${instance} opened a session and gave no id for it.`, {
    instance,
    delivery: "accepted",
  });
}

/** Of closing a session: why it may still be open, if so. One that is gone already is closed. */
export function readClosed(
  exchange: Exchange,
  instance: string,
  now: number,
): Reading<OrchestratorError | undefined> {
  const { status, body } = exchange;
  const gone = status === 404 && readOwnError(body)?.code === "session_not_found";
  return {
    value: isSuccess(status) || gone ? undefined : refused(exchange, instance, now).error,
    quotes: true,
  };
}

function refused(exchange: Exchange, instance: string, now: number) {
  return refusal(exchange, instance, now, readOwnError(exchange.body));
}

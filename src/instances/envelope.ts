import { DELIVERIES, type Delivery } from "../core/delivery.ts";
import { isDeeper } from "../core/depth.ts";
import { type ErrorCode, isErrorCode, OrchestratorError } from "../core/errors.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../core/json.ts";
import type { Answer } from "../core/ports.ts";
import { splitAtResult } from "../core/split-result.ts";
import { readUsage } from "../core/usage.ts";
import { failureError, type OwnError } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { resultAnswer } from "./result.ts";
import { snippet } from "./snippet.ts";

// The JSON of our own protocol, `rest`, as an instance sends it: untrusted until read here.

/** Codes that mean something else seen from here than they did where they were raised. */
const SEEN_FROM_HERE: Partial<Record<ErrorCode, ErrorCode>> = {
  unauthorized: "instance_unauthorized",
  forbidden: "instance_unauthorized",
  store_unavailable: "instance_down",
  internal: "instance_error",
};

/** The body of an answer that is no 2xx, if it is our own error envelope. */
export function readOwnError(body: string): OwnError | undefined {
  const json = parseJson(body);
  return isObject(json) ? ownError(json.error) : undefined;
}

function ownError(value: Json | undefined): OwnError | undefined {
  if (!isObject(value) || typeof value.message !== "string" || typeof value.code !== "string")
    return undefined;
  const { code, message, action, details, delivery } = value;
  const known = isErrorCode(code) ? (SEEN_FROM_HERE[code] ?? code) : "instance_error";
  return {
    code: known,
    message: known === code ? words(message) : `${snippet(code)}: ${words(message)}`,
    // Ours say what to do next: what an instance advises must not be taken for that.
    ...(typeof action === "string" && { action: `The instance advises: ${words(action)}` }),
    ...(isObject(details) && isPlain(details) && { details }),
    ...(isDelivery(delivery) && { delivery }),
  };
}

/** The instance's own words, which may be the tail of a program's output. */
function words(text: string): string {
  return text.slice(0, 4_000);
}

function isDelivery(value: unknown): value is Delivery {
  return DELIVERIES.some((delivery) => delivery === value);
}

/** The body of a 2xx answer as one of our tasks; `undefined` if it is none. */
export function readTask(body: string): JsonObject | undefined {
  const json = splitAtResult(body) ?? parseJson(body);
  return isObject(json) && typeof json.reply === "string" && TASK_REPLIES.has(json.reply) ? json : undefined;
}

const TASK_REPLIES = new Set(["done", "failed", "cancelled", "pending"]);

/**
 * The answer that a 2xx status line is, whatever became of its body. A lost body is to be asked for, and
 * so is one that came whole and is no task of ours: a gateway may have put its own words in the place of
 * work that is done. One that is too large would come the same again: it has failed.
 */
export function acceptedAnswer(exchange: Exchange, instance: string): Answer {
  const { failure } = exchange;
  if (failure) {
    const error = failureError(failure, instance).with({ instance, delivery: "accepted" });
    return failure.kind === "too_large"
      ? { delivery: "accepted", reply: "failed", error }
      : { delivery: "accepted", reply: "pending", error };
  }
  const task = readTask(exchange.body);
  if (task) return taskAnswer(task, instance);
  if (mayBeCutOff(exchange)) {
    const error = acceptedError("instance_down", `${instance}: the answer was cut off.`, instance);
    return { delivery: "accepted", reply: "pending", error };
  }
  return { delivery: "accepted", reply: "pending", error: notOurs(exchange, instance) };
}

/** A body that ends with its connection does not show where it should have ended. */
function mayBeCutOff({ headers, body }: Exchange): boolean {
  const framed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return !framed && parseJson(body) === undefined && /^\s*(\{|$)/.test(body);
}

/** The error of a 2xx answer that came whole and is no task of ours. */
export function notOurs({ status, body, headers }: Exchange, instance: string): OrchestratorError {
  const what = body ? `${headers["content-type"] ?? "no content type"}: ${snippet(body)}` : "an empty body";
  return acceptedError(
    "instance_error",
    `${instance} answered HTTP ${status} without a task of ours (${what}).`,
    instance,
    {
      action: "Check that the instance's url and protocol are right: something else may listen there.",
    },
  );
}

/** What a task of ours says. */
export function taskAnswer(task: JsonObject, instance: string): Answer {
  const answer = readReply(task, instance);
  const { taskId } = task;
  const usage = readUsage(task.usage);
  if (usage && answer.reply !== "pending") answer.usage = usage;
  // An id goes into paths: one that is no plain short text is left out, and our key names the task.
  if (typeof taskId === "string" && TASK_ID.test(taskId)) answer.taskId = taskId;
  return answer;
}

const TASK_ID = /^[\w.:/-]{1,256}$/;

function readReply({ reply, result, error }: JsonObject, instance: string): Accepted {
  if (reply === "done") return resultAnswer(result ?? null, instance);
  if (reply === "pending") return { delivery: "accepted", reply };
  const own = ownError(error);
  if (reply === "cancelled") {
    const message = own?.message ?? `${instance} cancelled it.`;
    return { delivery: "accepted", reply, error: acceptedError("cancelled", message, instance) };
  }
  const message = own ? `${instance}: ${own.message}` : failedWith(error, instance);
  const code = own?.code ?? "instance_error";
  return { delivery: "accepted", reply: "failed", error: acceptedError(code, message, instance, own) };
}

/** An error is nested no deeper than everybody can read. */
function isPlain(value: Json): boolean {
  return !isDeeper(value, 50);
}

/** Whoever does not send our envelope may have said why in its own form. */
function failedWith(error: Json | undefined, instance: string): string {
  if (error === undefined || error === null || error === "" || !isPlain(error))
    return `${instance} says that the task failed, and not why.`;
  return `${instance}: the task failed: ${typeof error === "string" ? words(error) : snippet(JSON.stringify(error))}`;
}

type Accepted = Extract<Answer, { delivery: "accepted" }>;

function acceptedError(
  code: ErrorCode,
  message: string,
  instance: string,
  facts: Pick<OwnError, "details"> & { action?: string } = {},
): OrchestratorError {
  return new OrchestratorError(code, message, {
    action: facts.action,
    details: facts.details,
    instance,
    delivery: "accepted",
  });
}

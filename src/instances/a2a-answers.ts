import type { Message, Task } from "@a2a-js/sdk";
import { type ErrorCode, OrchestratorError } from "../core/errors.ts";
import type { Answer } from "../core/ports.ts";
import { messageResult, taskResult, wordsOf } from "./a2a-parts.ts";
import { resultAnswer } from "./result.ts";

// What an agent's task or message says of the work.

type Accepted = Extract<Answer, { delivery: "accepted" }>;
type State = NonNullable<Task["status"]>["state"];

/** `TASK_STATE_…` of the protocol. */
const COMPLETED = 3 satisfies State;
const FAILED = 4 satisfies State;
const CANCELED = 5 satisfies State;
const INPUT_REQUIRED = 6 satisfies State;
const REJECTED = 7 satisfies State;
const AUTH_REQUIRED = 8 satisfies State;

/** Whether nothing more will come of a task by itself. */
export function hasEnded({ status }: Task): boolean {
  const ended: State[] = [COMPLETED, FAILED, CANCELED, INPUT_REQUIRED, REJECTED, AUTH_REQUIRED];
  return status !== undefined && ended.includes(status.state);
}

/** A task, or the message with which an agent answers at once. */
export function answerOf(answered: Task | Message, name: string): Accepted {
  if ("messageId" in answered) {
    const { contextId } = answered;
    const remoteId = contextId && { remoteId: remoteIdOf({ contextId, taskId: "" }) };
    return { ...resultAnswer(messageResult(answered), name), ...remoteId };
  }
  return taskAnswer(answered, name);
}

function taskAnswer(task: Task, name: string): Accepted {
  const { id: taskId, contextId, status } = task;
  const asksFor = ASKS[status?.state ?? 0];
  const remoteId = contextId && { remoteId: remoteIdOf({ contextId, taskId: asksFor ? taskId : "" }) };
  const known = { delivery: "accepted", taskId, ...remoteId } as const;
  if (asksFor) {
    const message = status?.message ? messageResult(status.message) : "";
    const result = task.artifacts.length > 0 && { result: taskResult(task) };
    return { ...known, ...resultAnswer({ asksFor, message, ...result, taskId, contextId }, name) };
  }
  const words = wordsOf(status?.message);
  switch (status?.state) {
    case COMPLETED:
      return { ...known, ...resultAnswer(taskResult(task), name) };
    case FAILED:
      return { ...known, reply: "failed", error: because("failed", "instance_error", words, name) };
    case REJECTED:
      return { ...known, reply: "failed", error: because("was rejected", "instance_error", words, name) };
    case CANCELED:
      return { ...known, reply: "cancelled", error: because("was cancelled", "cancelled", words, name) };
    default:
      return { ...known, reply: "pending" };
  }
}

const ASKS: Partial<Record<State, "input" | "auth">> = { [INPUT_REQUIRED]: "input", [AUTH_REQUIRED]: "auth" };

function because(what: string, code: ErrorCode, words: string, name: string): OrchestratorError {
  const said =
    words === ""
      ? `${name} says that the task ${what}, and not why.`
      : `${name}: the task ${what}: ${words.slice(0, 4_000)}`;
  return new OrchestratorError(code, said, { instance: name, delivery: "accepted" });
}

/** How a session goes on at an agent: its context, and the task that waits for an answer. Empty: none yet. */
export interface Thread {
  contextId: string;
  taskId: string;
}

/** Both in one text; the characters of a URI component, so that `/` only ever parts them. */
export function remoteIdOf({ contextId, taskId }: Thread): string {
  const context = encodeURIComponent(contextId);
  return taskId === "" ? context : `${context}/${encodeURIComponent(taskId)}`;
}

/** What {@link remoteIdOf} wrote; of a session that is only opened, `:` and something random, neither. */
export function threadOf(remoteId: string): Thread {
  if (remoteId.startsWith(":")) return { contextId: "", taskId: "" };
  const [contextId = "", taskId = ""] = remoteId.split("/").map(decodeURIComponent);
  return { contextId, taskId };
}

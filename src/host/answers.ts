import type { FastifyReply } from "fastify";
import type { Reply } from "../core/delivery.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { TaskRecord } from "./task-record.ts";
import type { Ticket } from "./tasks.ts";

/** Runs what takes work in: its refusal says that nothing was recorded. */
export async function refusing<T>(name: string, reply: FastifyReply, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    const error = OrchestratorError.from(thrown);
    if (error.code === "overloaded") reply.header("retry-after", "1");
    throw error.with({ instance: name, delivery: "not_sent" });
  }
}

/** The task's record as soon as it has ended, else as it is after the wait. */
export async function within(clock: Clock, ticket: Ticket, waitMs: number): Promise<TaskRecord> {
  if (waitMs <= 0 || ticket.record().state !== "working") return ticket.record();
  let stop = () => {};
  const waited = new Promise<void>((resolve) => {
    stop = clock.after(waitMs, resolve);
  });
  await Promise.race([ticket.ended, waited]);
  stop();
  return ticket.record();
}

const REPLIES: Record<TaskRecord["state"], Reply> = {
  working: "pending",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  tombstone: "cancelled",
};

/** Answers what is true of a task: 200 once it has ended, 202 before. */
export function answer(reply: FastifyReply, record: TaskRecord, more: object = {}) {
  const { taskId } = record;
  if (record.state === "working") reply.status(202).header("location", `/api/tasks/${taskId}`);
  return reply.send({
    taskId,
    reply: REPLIES[record.state],
    ...("error" in record && { error: record.error }),
    ...("usage" in record && record.usage && { usage: record.usage }),
    ...more,
    // Last, so that its text can be told from the rest without a scanner.
    ...(record.state === "done" && { result: record.result }),
  });
}

/** The error for a session that nobody here would remember. */
export function noSessions(name: string): OrchestratorError {
  return new OrchestratorError("bad_request", `Instance ${name} keeps no sessions.`, {
    instance: name,
    action: "Open the session at another instance.",
  });
}

/** The error for a task of which nothing is known. */
export function unseen(name: string, taskId: string): OrchestratorError {
  return new OrchestratorError("run_not_found", `Instance ${name} knows no task ${taskId}, nor its key.`, {
    instance: name,
    action: "Check the id or the key; a task is kept for 24 hours after its end.",
  });
}

import { OrchestratorError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Usage } from "../core/usage.ts";
import type { TaskEnd, Tombstone } from "./task-record.ts";

/** How a task ends whose worker threw. The error goes over the wire as the instance's own. */
export function failedEnd(name: string, thrown: unknown): TaskEnd {
  const known =
    thrown instanceof OrchestratorError
      ? thrown
      : new OrchestratorError("instance_error", OrchestratorError.from(thrown).message);
  const { usage, ...others } = known.details ?? {};
  const details = usage === undefined ? undefined : others;
  const error = known.with({ instance: name, delivery: "accepted", details }).toBody();
  return {
    state: error.code === "cancelled" ? "cancelled" : "failed",
    error,
    ...(isObject(usage) && { usage: usage as Usage }),
  };
}

/** How a task ends that an earlier process of this host had accepted. */
export function interruptedEnd(name: string): TaskEnd {
  const message = `Instance ${name} stopped while it had the task.`;
  return failedEnd(name, new OrchestratorError("interrupted", message));
}

export function tombstone(name: string, facts: Pick<Tombstone, "taskId" | "key" | "endedAt">): Tombstone {
  const message = `Instance ${name} was told to cancel the task before it came.`;
  const error = new OrchestratorError("cancelled", message, {
    instance: name,
    delivery: "not_sent",
  }).toBody();
  return { ...facts, state: "tombstone", error };
}

import type { Outcome } from "../../src/core/outcome.ts";
import type { Run } from "../../src/core/run.ts";
import type { PlannedCall } from "./calls.ts";
import type { Evidence } from "./evidence.ts";
import { isExplained } from "./explanation.ts";
import type { Find } from "./violation.ts";

/** What is refused for its size or its key was not executed, and says so, and nothing else does. */
export function checkRefusals(evidence: Evidence, find: Find): void {
  for (const { callId, instance, key } of evidence.executions)
    if (evidence.calls.get(callId)?.over === "body")
      find("untrue", `${instance} executed ${key} of ${callId}, whose body is over the limit`);
  for (const run of evidence.runs.values()) {
    const call = evidence.calls.get(run.createdBy);
    for (const outcome of run.outcomes) {
      const problem = sizeProblem(evidence, run, outcome, call?.over) ?? keyProblem(evidence, run, outcome);
      const { instance, delivery, reply, error } = outcome;
      if (problem !== undefined)
        find(
          "untrue",
          `run ${run.runId} of ${run.createdBy}: ${instance} is ${delivery}/${reply} (${error?.message ?? "no error"}), ${problem}`,
        );
    }
  }
}

/** These end an attempt before it was heard what is wrong with it. */
const STOPPED = new Set(["cancelled", "timeout"]);

function sizeProblem(
  evidence: Evidence,
  run: Run,
  { instance, delivery, reply, error }: Outcome,
  over: PlannedCall["over"],
): string | undefined {
  const tooLarge = error?.code === "payload_too_large";
  if (over === "reply" && reply === "done") return "and its reply is over the limit";
  if (over !== "body") return tooLarge && delivery === "not_sent" ? "and its body is not" : undefined;
  // Where the task was buried before it came, whoever asks later is told that it was cancelled.
  if (delivery === "accepted")
    return reply === "cancelled" ? undefined : "and no instance takes a body over the limit";
  const asked = run.attempts.some((attempt) => attempt.instance === instance);
  if (!asked || tooLarge || STOPPED.has(error?.code ?? "")) return undefined;
  return isExplained(evidence, run, instance) ? undefined : "and not that its body is over the limit";
}

/** A changed key is in its file before it is demanded: who reads it there is let in. */
function keyProblem({ keyChanges }: Evidence, run: Run, { instance, error }: Outcome): string | undefined {
  if (error?.code !== "instance_unauthorized") return undefined;
  const changes = keyChanges.filter((change) => change.instance === instance);
  // The others are refused by the fault "401" alone.
  if (changes.length === 0) return undefined;
  const ended = run.endedAt ?? Number.POSITIVE_INFINITY;
  // Only a second change, between reading the file and being asked for the key, is an excuse.
  return changes.some(({ at }) => at >= run.createdAt && at <= ended)
    ? undefined
    : "and the right key was in its file all the time";
}

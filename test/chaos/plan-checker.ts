import { isObject, type Json } from "../../src/core/json.ts";
import type { Run } from "../../src/core/run.ts";
import type { RunDetail } from "../../src/core/run-answers.ts";
import { groupBy } from "./group-by.ts";
import type { Execution } from "./ledger.ts";
import type { PlannedStep } from "./plan-steps.ts";
import type { Violation } from "./violation.ts";

export interface PlanEvidence {
  steps: readonly PlannedStep[];
  /** The plan's run once it had ended. */
  ended: RunDetail | undefined;
  /** Stored runs, those of the plan's calls included. */
  runs: ReadonlyMap<string, Run>;
  executions: readonly Execution[];
  failures: readonly string[];
}

/** Compares what became of a plan with what was done. */
export function checkPlan({ steps, ended, runs, executions, failures }: PlanEvidence): Violation[] {
  const found: Violation[] = failures.map((text) => ({ rule: "broken", text }));
  const find = (rule: Violation["rule"], text: string) => void found.push({ rule, text });
  const fanned = new Set(steps.filter(({ fanout }) => fanout).map(({ id }) => id));
  for (const [callId, all] of groupBy(executions, ({ callId }) => callId)) {
    const groups = fanned.has(callId) ? groupBy(all, ({ instance }) => instance).values() : [all];
    for (const group of groups) {
      if (group.length < 2) continue;
      const where = group.map(({ instance, key, end }) => `${instance} as ${key} (${end})`);
      find("twice", `${callId} was executed ${group.length} times: ${where.join(", ")}`);
    }
  }
  for (const { key, callId } of executions) {
    const run = runs.get(key.slice(0, key.indexOf("/")));
    if (!run?.attempts.some((attempt) => attempt.key === key))
      find("lost", `${key} of ${callId} was executed, and no stored attempt announced it`);
  }
  if (!ended) find("open", "the plan has not ended");
  for (const { step, state, value, error } of ended?.steps ?? []) {
    if (state !== "done" && state !== "failed") find("open", `${step} is ${state}: ${error?.message}`);
    if (
      state === "failed" &&
      error?.delivery === "not_sent" &&
      executions.some(({ callId }) => callId === step)
    )
      find("untrue", `${step} is said not to have been sent (${error.message}), and was executed`);
    if (state !== "done") continue;
    for (const execution of executionsIn(value ?? null)) {
      if (!executions.some((each) => each.execution === execution && each.end === "done"))
        find("untrue", `${step} is done, but the ledger has no such result`);
    }
  }
  return found;
}

/** The executions that a step's value is made of. */
function executionsIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(executionsIn);
  if (!isObject(value)) return [];
  if (typeof value.execution === "string") return [value.execution];
  return value.result === undefined ? [] : executionsIn(value.result);
}

import { isDeepStrictEqual } from "node:util";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Run } from "../../src/core/run.ts";
import type { PlannedCall } from "./calls.ts";
import { checkRefusals } from "./checker-refusals.ts";
import { checkOwners, checkTranscripts } from "./checker-sessions.ts";
import type { Evidence, Told } from "./evidence.ts";
import { isExplained } from "./explanation.ts";
import { groupBy } from "./group-by.ts";
import type { Execution } from "./ledger.ts";
import type { Find, Violation } from "./violation.ts";

/** Compares what was said and stored with what was done. */
export function check(evidence: Evidence): Violation[] {
  const findings: Violation[] = [];
  const find = (rule: Violation["rule"], text: string) => findings.push({ rule, text });
  const byRun = groupBy(evidence.executions, ({ key }) => runOf(key));

  for (const failure of evidence.failures) find("broken", failure);
  checkTwice(evidence, find);
  checkKeys(evidence, find);
  checkLost(evidence, find);
  for (const run of evidence.runs.values()) checkRun(evidence, run, byRun.get(run.runId) ?? [], find);
  for (const told of evidence.told) checkTold(evidence, told, byRun, find);
  checkTranscripts(evidence, find);
  checkOwners(evidence, find);
  checkRefusals(evidence, find);
  return findings;
}

/** A key begins with its run. */
function runOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function checkTwice({ executions, calls }: Evidence, find: Find): void {
  for (const [key, same] of groupBy(executions, ({ key }) => key))
    if (same.length > 1) find("twice", `key ${key} was executed ${same.length} times`);
  for (const [callId, all] of groupBy(executions, ({ callId }) => callId)) {
    const call = calls.get(callId);
    if (!call || call.idempotent) continue;
    const groups = call.operation === "fanout" ? groupBy(all, ({ instance }) => instance).values() : [all];
    for (const group of groups) {
      if (group.length < 2) continue;
      const where = group.map(({ instance, key, end }) => `${instance} as ${key} (${end})`);
      find("twice", `${call.operation} ${callId} was executed ${group.length} times: ${where.join(", ")}`);
    }
  }
}

/** One idempotency key, one run, whichever processes were asked. */
function checkKeys({ told }: Evidence, find: Find): void {
  const keyed = told.filter(({ call, runId }) => "idempotencyKey" in call.input && runId !== undefined);
  for (const [callId, same] of groupBy(keyed, ({ call }) => call.callId)) {
    const runIds = new Set(same.map(({ runId }) => runId));
    if (runIds.size > 1) find("twice", `the key of ${callId} stands for ${[...runIds].join(" and ")}`);
  }
}

function checkLost({ executions, runs, told }: Evidence, find: Find): void {
  for (const { runId, call } of told)
    if (runId !== undefined && !runs.has(runId) && !isUnbegun(told, runId))
      find("lost", `run ${runId} of ${call.callId} was reported and is not stored`);
  for (const { key, instance, callId } of executions) {
    const run = runs.get(runOf(key));
    if (!run) find("lost", `${instance} executed ${key} of ${callId}, whose run is not stored`);
    else if (!run.attempts.some((attempt) => attempt.key === key))
      find("lost", `${instance} executed ${key} of ${callId}, and its run has no such attempt`);
  }
}

/** Said with the refusal to begin: what could not be stored was not sent. */
function isUnbegun(told: readonly Told[], runId: string): boolean {
  return told.every((each) => each.runId !== runId || each.error?.code === "store_unavailable");
}

function checkRun(evidence: Evidence, run: Run, executions: Execution[], find: Find): void {
  if (run.endedAt === undefined) {
    find("open", `run ${run.runId} of ${run.createdBy} has no end; owner ${run.owner}`);
    return;
  }
  const over = evidence.calls.get(run.createdBy)?.over;
  for (const outcome of run.outcomes) {
    const here = executions.filter(({ instance }) => instance === outcome.instance);
    const problem =
      untruth(outcome, here, over) ?? unexplained(evidence, run, outcome, hasLongReply(here, over));
    if (problem === undefined) continue;
    const { instance, delivery, reply, error } = outcome;
    const done = here.map(({ key, end }) => `${key} (${end})`).join(", ") || "nothing";
    find(
      "untrue",
      `run ${run.runId} of ${run.createdBy}: ${instance} is ${delivery}/${reply} (${error?.message ?? "no error"}), ${problem}; executed: ${done}`,
    );
  }
  const known = new Set(run.outcomes.map(({ instance }) => instance));
  for (const { instance, key } of executions)
    if (!known.has(instance))
      find("untrue", `run ${run.runId}: ${instance} executed ${key} and has no outcome`);
}

/** What the ledger has against an outcome. */
function untruth(
  { delivery, reply, result, error }: Outcome,
  here: readonly Execution[],
  over: PlannedCall["over"],
): string | undefined {
  if (delivery === "not_sent" && here.length > 0) return "but it was executed";
  if (delivery === "not_sent" && reply !== "none") return "which cannot be";
  switch (reply) {
    case "pending":
      return "though its run has ended";
    case "done": {
      const own = here.find(({ execution }) => execution === (result as { execution?: string })?.execution);
      return own?.end === "done" ? undefined : "but the ledger has no such result";
    }
    case "failed":
      // An instance that was killed may have done the work and not have noted it.
      if (error?.code === "interrupted")
        return error.message.includes("journal is gone") ? "but it is not" : undefined;
      // Its work was done: what failed is reading the reply.
      if (error?.code === "payload_too_large")
        return hasLongReply(here, over) ? undefined : "but it gave no reply over the limit";
      return here.some(({ end }) => end === "failed") ? undefined : "but it did not fail";
    case "cancelled":
      return here.some(({ end }) => end === "done" || end === "failed") ? "but it was completed" : undefined;
    default:
      return undefined;
  }
}

function hasLongReply(here: readonly Execution[], over: PlannedCall["over"]): boolean {
  return over === "reply" && here.some(({ end }) => end === "done");
}

/**
 * Not to know what became of work needs a fault that explains it. A reply over the limit is one: it may
 * be the answer to a cancellation, and cannot be read there either.
 */
function unexplained(
  evidence: Evidence,
  run: Run,
  { instance, delivery, reply, error }: Outcome,
  longReply: boolean,
): string | undefined {
  const certain = delivery === "not_sent" || (reply !== "none" && error?.code !== "interrupted");
  if (certain || longReply) return undefined;
  return isExplained(evidence, run, instance) ? undefined : "and no fault explains it";
}

function checkTold({ runs }: Evidence, told: Told, byRun: Map<string, Execution[]>, find: Find): void {
  const { runId, call, error, outcomes } = told;
  if (runId === undefined) return;
  const say = (problem: string) => find("untrue", `${call.callId} was told of run ${runId}: ${problem}`);
  const executions = byRun.get(runId) ?? [];
  if (error?.delivery === "not_sent" && executions.length > 0)
    say(`not_sent (${error.message}), but ${executions.map(({ key }) => key).join(", ")} was executed`);
  const run = runs.get(runId);
  for (const { instance, reply, result } of outcomes) {
    if (reply !== "done") continue;
    if (result === undefined) {
      say(`${instance} is done, and without its result`);
      continue;
    }
    if (told.takenOver) {
      // A process that wakes too late to store what it heard tells it all the same: it has to be true.
      const { execution } = result as { execution?: string };
      const isDone = executions.some((each) => each.execution === execution && each.end === "done");
      if (!isDone) say(`${instance} is done, but the ledger has no such result`);
      continue;
    }
    const stored = run?.outcomes.find((outcome) => outcome.instance === instance);
    if (run && (stored?.reply !== "done" || !isDeepStrictEqual(stored.result, result)))
      say(`${instance} is done, but it is stored as ${stored?.delivery}/${stored?.reply}`);
    const { execution } = result as { execution: string };
    if (!executions.some((each) => each.execution === execution && each.end === "done"))
      say(`${instance} is done, but the ledger has no such result`);
  }
}
